//! `/account/data`: users export their data and delete their account.

use crate::{
    http::problem::Problem,
    pages::{
        access::{SignedInUser, View},
        fields::Faults,
        form::Submitted,
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

/// Shows both forms.
pub(super) async fn show(View(user): View<SignedInUser>) -> Result<HttpResponse, Problem> {
    let page = DataPage {
        layout: user.context.layout(&user.context.texts().nav_data)?,
        faults: Faults::default(),
    };
    user.context.answer(StatusCode::OK, &page)
}

/// Sends everything that is stored about the user as a file, like `GET /me/export`.
pub(super) async fn export(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let SignedInUser { context, principal } = submitted.access;
    exported(&context.service, &principal, &context.caller).await
}

/// Deletes the account and everything that belongs to it.
pub(super) async fn delete(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let SignedInUser { context, principal } = access;
    fields.check_confirmed(context.texts())?;
    let password = fields.secret("current_password");
    let deleted = async {
        let password = PresentedProof::Password(password);
        let reauthenticated = context
            .service
            .reauthenticate(&principal, &context.caller, password)
            .await?;
        context.service.delete_me(reauthenticated).await
    };
    match deleted.await {
        Ok(()) => {
            context.forget_session();
            Ok(context.done("/login", Done::AccountDeleted))
        }
        Err(error) => {
            let known = [("current_password", "current_password")];
            let (problem, faults) = context.refused(error, &known)?;
            let page = DataPage {
                layout: context.layout(&context.texts().nav_data)?,
                faults,
            };
            context.answer_again(&problem, &page)
        }
    }
}
