//! `/verify-email/again`: the link that confirms an address, once more, for people who can't sign in before they have used it.

use super::{
    fields::Faults,
    form::Sent,
    guest::Seen,
    layout::Layout,
    page::{Page, page},
    visit::Visit,
};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::email::EmailAddress;

/// Where the link that confirms an address is asked for once more.
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
    fn of(visit: &'a Visit, email: &'a str, faults: Faults) -> Result<Self, Problem> {
        Ok(Self {
            layout: visit.layout(&visit.texts().confirm_again_title)?,
            faults,
            email,
        })
    }
}

/// The form.
///
/// # Errors
/// [`Problem`].
async fn show(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    visit.answer(StatusCode::OK, &AgainPage::of(&visit, "", Faults::default())?)
}

/// Has a link mailed; the answer is the same for every address.
///
/// # Errors
/// [`Problem`].
async fn submit(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    let (t, email) = (visit.texts(), fields.trimmed("email"));
    // A text that can't be an address belongs to no user, so it may be said that it is mistyped.
    let asked = match EmailAddress::parse(email) {
        Err(_) => Err(Problem::from(Code::InvalidEmail)),
        Ok(_) => match visit.service.send_verification_to(&visit.caller, email).await {
            Ok(()) => Ok(()),
            Err(error) => Err(visit.refusal(error)?),
        },
    };
    match asked {
        Ok(()) => {
            let page = visit.tell(
                &t.check_mail_title,
                &t.confirm_again_sent,
                ("/login", &t.login_link),
            )?;
            visit.answer(StatusCode::ACCEPTED, &page)
        }
        Err(problem) => {
            let faults = match problem.code() {
                Code::InvalidEmail => Faults::one("email", "invalid", &t.forgot_email_bad),
                _ => Faults::of(&problem, &[], t),
            };
            visit.answer_again(&problem, &AgainPage::of(&visit, email, faults)?)
        }
    }
}
