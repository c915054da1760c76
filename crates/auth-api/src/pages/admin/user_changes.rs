//! The changes that an administrator makes to a user. The rule: each is a form on the user's page.

use super::user::UserPage;
use crate::{
    http::{
        path,
        permission::{SessionsRevoke, UsersWrite},
        problem::{Code, Problem},
    },
    pages::{
        access::WithPermission,
        context::PageContext,
        fields::{Faults, Fields},
        form::Submitted,
        texts::Done,
    },
};
use actix_web::{HttpResponse, web::Path};
use auth_domain::{ids::UserId, role::Permission};
use auth_service::UserChangeRequest;

/// Redirects to the user's page, which says what was done.
fn back(context: &PageContext, id: UserId, done: Done) -> HttpResponse {
    context.done(&format!("/admin/users/{id}"), done)
}

/// Shows the user's page, which says why the change was refused.
async fn refused(
    context: &PageContext,
    id: UserId,
    error: impl Into<Problem>,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    let problem = context.refusal(error)?;
    if problem.code() == Code::NotFound || !context.may(Permission::UsersRead) {
        return Err(problem);
    }
    let known = [("name", "name"), ("role", "role")];
    let mut page = UserPage::of(context, id, Faults::of(&problem, &known, context.texts())).await?;
    page.typed_name = Some(fields.trimmed("name")).filter(|_| fields.has("name"));
    context.answer_again(&problem, &page)
}

/// Changes the name, the role, the status, and whether the email address is verified.
pub(super) async fn change(
    id: Path<String>,
    submitted: Submitted<WithPermission<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let (WithPermission { context, bearer, .. }, id) = (&access, path::id(&id)?);
    let wanted = wanted(&fields)?;
    match context
        .service
        .change_user(bearer, id, wanted, &context.caller)
        .await
    {
        Ok(_) => Ok(back(context, id, Done::Saved)),
        Err(error) => refused(context, id, error, &fields).await,
    }
}

/// The fields that differ from what the form showed. The others stay as they are stored, because another administrator may have
/// changed them since.
fn wanted(fields: &Fields) -> Result<UserChangeRequest, Problem> {
    let differs = |name: &str| fields.trimmed(name) != fields.trimmed(&format!("was_{name}"));
    let status = || {
        fields
            .text("status")
            .parse()
            .map_err(|_| Problem::from(Code::InvalidInput))
    };
    let verified = fields.has("email_verified");
    Ok(UserChangeRequest {
        name: differs("name").then(|| fields.optional("name")),
        role: differs("role").then(|| fields.text("role").to_owned()),
        status: differs("status").then(status).transpose()?,
        email_verified: (verified != (fields.text("was_email_verified") == "yes")).then_some(verified),
    })
}

/// Sends the user a link to choose a new password.
pub(super) async fn send_reset(
    id: Path<String>,
    submitted: Submitted<WithPermission<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let (context, id) = (&submitted.access.context, path::id(&id)?);
    let queued = context.service.admin().send_reset(id, &context.caller).await?;
    queued.settle(context.service.get_ref()).await;
    Ok(back(context, id, Done::ResetSent))
}

/// Locks the user out: ends all their sessions and credentials.
pub(super) async fn lock_out(
    id: Path<String>,
    submitted: Submitted<WithPermission<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let (context, id) = (&access.context, path::id(&id)?);
    fields.check_confirmed(context.texts())?;
    let locked_out = context.service.admin().lock_out(id, &context.caller).await?;
    locked_out.settle(context.service.get_ref()).await;
    Ok(back(context, id, Done::LockedOut))
}

/// Deletes the user.
pub(super) async fn delete(
    id: Path<String>,
    submitted: Submitted<WithPermission<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let (context, id) = (&access.context, path::id(&id)?);
    fields.check_confirmed(context.texts())?;
    match context.service.admin().delete_user(id, &context.caller).await {
        Ok(deleted) => {
            deleted.settle(context.service.get_ref()).await;
            Ok(context.done("/admin/users", Done::UserDeleted))
        }
        Err(error) => refused(context, id, error, &fields).await,
    }
}

/// Ends all sessions of the user.
pub(super) async fn end_sessions(
    id: Path<String>,
    submitted: Submitted<WithPermission<SessionsRevoke>>,
) -> Result<HttpResponse, Problem> {
    let (context, id) = (&submitted.access.context, path::id(&id)?);
    let ended = context.service.admin().end_sessions(id, &context.caller).await?;
    ended.settle(context.service.get_ref()).await;
    Ok(back(context, id, Done::SessionsEnded))
}

/// Ends one session of the user.
pub(super) async fn end_session(
    path: Path<(String, String)>,
    submitted: Submitted<WithPermission<SessionsRevoke>>,
) -> Result<HttpResponse, Problem> {
    let (context, id, session) = (&submitted.access.context, path::id(&path.0)?, path::id(&path.1)?);
    let ended = context
        .service
        .admin()
        .end_session(session, Some(id), &context.caller)
        .await?;
    ended.settle(context.service.get_ref()).await;
    Ok(back(context, id, Done::SessionEnded))
}

/// Revokes an API key of the user.
pub(super) async fn revoke_key(
    path: Path<(String, String)>,
    submitted: Submitted<WithPermission<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let (context, id, key) = (&submitted.access.context, path::id(&path.0)?, path::id(&path.1)?);
    context
        .service
        .admin()
        .revoke_api_key(id, key, &context.caller)
        .await?;
    Ok(back(context, id, Done::KeyRevoked))
}
