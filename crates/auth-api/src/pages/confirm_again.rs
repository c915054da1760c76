//! `/verify-email/again`: sends the confirmation link again, for users who can't sign in before they have used it.

use super::{
    access::View,
    context::PageContext,
    fields::Faults,
    form::Submitted,
    layout::Layout,
    page::{Page, page},
};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::email::EmailAddress;

/// The page that requests the confirmation link again.
pub(super) fn pages() -> [Page; 1] {
    [page("/verify-email/again")
        .anyone()
        .shows(show)
        .anyone()
        .takes(submit)]
}

#[derive(Template)]
#[template(path = "confirm_again.html")]
struct AgainPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    email: &'a str,
}

impl<'a> AgainPage<'a> {
    fn of(context: &'a PageContext, email: &'a str, faults: Faults) -> Result<Self, Problem> {
        Ok(Self {
            layout: context.layout(&context.texts().confirm_again_title)?,
            faults,
            email,
        })
    }
}

/// Shows the form.
async fn show(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    context.answer(StatusCode::OK, &AgainPage::of(&context, "", Faults::default())?)
}

/// Sends a link. The answer is the same for every address.
async fn submit(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let (t, email) = (context.texts(), fields.trimmed("email"));
    // A text that can't be an email address belongs to no user, so the page may say that it is mistyped.
    let asked = match EmailAddress::parse(email) {
        Err(_) => Err(Problem::from(Code::InvalidEmail)),
        Ok(_) => match context.service.send_verification_to(&context.caller, email).await {
            Ok(()) => Ok(()),
            Err(error) => Err(context.refusal(error)?),
        },
    };
    match asked {
        Ok(()) => {
            let page = context.message_page(
                &t.check_mail_title,
                &t.confirm_again_sent,
                ("/login", &t.login_link),
            )?;
            context.answer(StatusCode::ACCEPTED, &page)
        }
        Err(problem) => {
            let faults = match problem.code() {
                Code::InvalidEmail => Faults::one("email", "invalid", &t.forgot_email_bad),
                _ => Faults::of(&problem, &[], t),
            };
            context.answer_again(&problem, &AgainPage::of(&context, email, faults)?)
        }
    }
}
