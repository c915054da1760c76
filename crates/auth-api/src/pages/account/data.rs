//! `/account/data`: the rights over one's own account: all of it to take along, and its end.

use crate::{
    http::problem::Problem,
    pages::{
        fields::Faults,
        form::Sent,
        guest::{Member, Seen},
        layout::Layout,
        texts::Done,
    },
    views::export::exported,
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_service::PresentedProof;

#[derive(Template)]
#[template(path = "account/data.html")]
struct DataPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
}

/// Both forms.
///
/// # Errors
/// [`Problem`].
pub(super) async fn show(Seen(member): Seen<Member>) -> Result<HttpResponse, Problem> {
    let page = DataPage {
        layout: member.visit.layout(&member.visit.texts().nav_data)?,
        faults: Faults::default(),
    };
    member.visit.answer(StatusCode::OK, &page)
}

/// Everything that is stored about the user, as a file: what `GET /me/export` answers.
///
/// # Errors
/// [`Problem`].
pub(super) async fn export(sent: Sent<Member>) -> Result<HttpResponse, Problem> {
    let Member { visit, principal } = sent.guest;
    exported(&visit.service, &principal, &visit.caller).await
}

/// Deletes the account and all it owns.
///
/// # Errors
/// [`Problem`].
pub(super) async fn delete(sent: Sent<Member>) -> Result<HttpResponse, Problem> {
    let Sent { guest, fields } = sent;
    let Member { visit, principal } = guest;
    fields.check_sure(visit.texts())?;
    let password = fields.secret("current_password");
    let deleted = async {
        let password = PresentedProof::Password(password);
        let confirmed = visit.service.confirm(&principal, &visit.caller, password).await?;
        visit.service.delete_me(confirmed).await
    };
    match deleted.await {
        Ok(()) => {
            visit.forget_session();
            Ok(visit.done("/login", Done::AccountDeleted))
        }
        Err(error) => {
            let known = [("current_password", "current_password")];
            let (problem, faults) = visit.refused(error, &known)?;
            let page = DataPage {
                layout: visit.layout(&visit.texts().nav_data)?,
                faults,
            };
            visit.answer_again(&problem, &page)
        }
    }
}
