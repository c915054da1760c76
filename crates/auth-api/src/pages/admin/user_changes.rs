//! What an administrator does to a user, each by a form of the user's page.

use super::user::UserPage;
use crate::{
    http::{
        path,
        permission::{SessionsRevoke, UsersWrite},
        problem::{Code, Problem},
    },
    pages::{
        fields::{Faults, Fields},
        form::Sent,
        guest::Holder,
        texts::Done,
        visit::Visit,
    },
};
use actix_web::{HttpResponse, web::Path};
use auth_domain::{ids::UserId, role::Permission};
use auth_service::WantedChange;

/// The user's page, with what was done.
fn back(visit: &Visit, id: UserId, done: Done) -> HttpResponse {
    visit.done(&format!("/admin/users/{id}"), done)
}

/// The user's page, with why nothing was done.
async fn refused(
    visit: &Visit,
    id: UserId,
    error: impl Into<Problem>,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    let problem = visit.refusal(error)?;
    if problem.code() == Code::NotFound || !visit.may(Permission::UsersRead) {
        return Err(problem);
    }
    let known = [("name", "name"), ("role", "role")];
    let mut page = UserPage::of(visit, id, Faults::of(&problem, &known, visit.texts())).await?;
    page.typed_name = Some(fields.trimmed("name")).filter(|_| fields.has("name"));
    visit.answer_again(&problem, &page)
}

/// Changes name, role, status and whether the address is known to be the user's.
///
/// # Errors
/// [`Problem`].
pub(super) async fn change(
    id: Path<String>,
    sent: Sent<Holder<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let Sent { guest, fields } = sent;
    let (Holder { visit, bearer, .. }, id) = (&guest, path::id(&id)?);
    let wanted = wanted(&fields)?;
    match visit
        .service
        .change_account(bearer, id, wanted, &visit.caller)
        .await
    {
        Ok(_) => Ok(back(visit, id, Done::Saved)),
        Err(error) => refused(visit, id, error, &fields).await,
    }
}

/// What was changed of what the form showed. The rest is left as it is stored: somebody else may have changed it since.
fn wanted(fields: &Fields) -> Result<WantedChange, Problem> {
    let differs = |name: &str| fields.trimmed(name) != fields.trimmed(&format!("was_{name}"));
    let status = || {
        fields
            .text("status")
            .parse()
            .map_err(|_| Problem::from(Code::InvalidInput))
    };
    let verified = fields.has("email_verified");
    Ok(WantedChange {
        name: differs("name").then(|| fields.optional("name")),
        role: differs("role").then(|| fields.text("role").to_owned()),
        status: differs("status").then(status).transpose()?,
        email_verified: (verified != (fields.text("was_email_verified") == "yes")).then_some(verified),
    })
}

/// Mails the user a link to choose a new password.
///
/// # Errors
/// [`Problem`].
pub(super) async fn send_reset(
    id: Path<String>,
    sent: Sent<Holder<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let (visit, id) = (&sent.guest.visit, path::id(&id)?);
    let queued = visit.service.admin().send_reset(id, &visit.caller).await?;
    queued.settle(visit.service.get_ref()).await;
    Ok(back(visit, id, Done::ResetSent))
}

/// Ends everything that the user has.
///
/// # Errors
/// [`Problem`].
pub(super) async fn lock_out(
    id: Path<String>,
    sent: Sent<Holder<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let Sent { guest, fields } = sent;
    let (visit, id) = (&guest.visit, path::id(&id)?);
    fields.check_sure(visit.texts())?;
    let locked_out = visit.service.admin().lock_out(id, &visit.caller).await?;
    locked_out.settle(visit.service.get_ref()).await;
    Ok(back(visit, id, Done::LockedOut))
}

/// Deletes the user.
///
/// # Errors
/// [`Problem`].
pub(super) async fn delete(
    id: Path<String>,
    sent: Sent<Holder<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let Sent { guest, fields } = sent;
    let (visit, id) = (&guest.visit, path::id(&id)?);
    fields.check_sure(visit.texts())?;
    match visit.service.admin().delete_user(id, &visit.caller).await {
        Ok(deleted) => {
            deleted.settle(visit.service.get_ref()).await;
            Ok(visit.done("/admin/users", Done::UserDeleted))
        }
        Err(error) => refused(visit, id, error, &fields).await,
    }
}

/// Ends all sessions of the user.
///
/// # Errors
/// [`Problem`].
pub(super) async fn end_sessions(
    id: Path<String>,
    sent: Sent<Holder<SessionsRevoke>>,
) -> Result<HttpResponse, Problem> {
    let (visit, id) = (&sent.guest.visit, path::id(&id)?);
    let ended = visit.service.admin().end_sessions(id, &visit.caller).await?;
    ended.settle(visit.service.get_ref()).await;
    Ok(back(visit, id, Done::SessionsEnded))
}

/// Ends one session of the user.
///
/// # Errors
/// [`Problem`].
pub(super) async fn end_session(
    path: Path<(String, String)>,
    sent: Sent<Holder<SessionsRevoke>>,
) -> Result<HttpResponse, Problem> {
    let (visit, id, session) = (&sent.guest.visit, path::id(&path.0)?, path::id(&path.1)?);
    let ended = visit
        .service
        .admin()
        .end_session(session, Some(id), &visit.caller)
        .await?;
    ended.settle(visit.service.get_ref()).await;
    Ok(back(visit, id, Done::SessionEnded))
}

/// Takes a key of the user away.
///
/// # Errors
/// [`Problem`].
pub(super) async fn revoke_key(
    path: Path<(String, String)>,
    sent: Sent<Holder<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let (visit, id, key) = (&sent.guest.visit, path::id(&path.0)?, path::id(&path.1)?);
    visit
        .service
        .admin()
        .revoke_api_key(id, key, &visit.caller)
        .await?;
    Ok(back(visit, id, Done::KeyRevoked))
}
