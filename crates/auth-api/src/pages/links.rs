//! `/verify-email` and `/not-me`: what the other mailed links open. The rule: a link opens a page, and only a press of its button
//! does anything, since programs that look at mails follow links, too.

use super::{
    form::{Faults, Sent},
    guest::Seen,
    layout::Layout,
    texts::{Done, Texts},
    visit::Visit,
};
use crate::problem::Problem;
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

/// One button, and what it does.
#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    message: &'a str,
    button: &'a str,
    token: &'a str,
}

/// Which of the two links.
#[derive(Clone, Copy)]
enum Link {
    Verify,
    NotMe,
}

impl Link {
    /// Title, explanation and button.
    fn words(self, t: &Texts) -> (&str, &str, &str) {
        match self {
            Self::Verify => (&t.verify_title, &t.verify_message, &t.verify_button),
            Self::NotMe => (&t.not_me_title, &t.not_me_message, &t.not_me_button),
        }
    }
}

fn page<'a>(
    visit: &'a Visit,
    link: Link,
    token: &'a str,
    faults: Faults,
) -> Result<ConfirmPage<'a>, Problem> {
    let (title, message, button) = link.words(visit.texts());
    Ok(ConfirmPage {
        layout: visit.layout(title)?,
        faults,
        message,
        button,
        token,
    })
}

fn open(visit: &Visit, link: Link) -> Result<HttpResponse, Problem> {
    let token = visit.query().single("token")?.unwrap_or_default();
    if token.is_empty() {
        return lapsed(visit, link);
    }
    visit.answer(StatusCode::OK, &page(visit, link, &token, Faults::default())?)
}

/// A link that is no good any more, and what to do instead.
fn lapsed(visit: &Visit, link: Link) -> Result<HttpResponse, Problem> {
    let t = visit.texts();
    match link {
        Link::Verify => visit.tell_lapsed(&t.verify_lapsed, ("/verify-email/again", &t.confirm_again_button)),
        Link::NotMe => visit.tell_lapsed(&t.not_me_lapsed, ("/forgot", &t.forgot_link)),
    }
}

fn refused(
    visit: &Visit,
    link: Link,
    token: &str,
    error: auth_service::Error,
) -> Result<HttpResponse, Problem> {
    if matches!(error, auth_service::Error::InvalidOrExpiredToken) {
        return lapsed(visit, link);
    }
    let problem = visit.refusal(error)?;
    let faults = Faults::of(&problem, &[], visit.texts());
    visit.answer_again(&problem, &page(visit, link, token, faults)?)
}

/// The page that confirms an address.
///
/// # Errors
/// [`Problem`].
pub async fn show_verify(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    open(&visit, Link::Verify)
}

/// Confirms an address, or makes it the account's.
///
/// # Errors
/// [`Problem`].
pub async fn submit_verify(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    match visit
        .service
        .confirm_email(&visit.caller, &fields.secret("token"))
        .await
    {
        Ok(()) if visit.principal.is_some() => Ok(visit.done("/account", Done::EmailVerified)),
        Ok(()) => Ok(visit.done("/login", Done::EmailVerified)),
        Err(error) => refused(&visit, Link::Verify, fields.text("token"), error),
    }
}

/// The page that a notice leads to: "this was not me".
///
/// # Errors
/// [`Problem`].
pub async fn show_not_me(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    open(&visit, Link::NotMe)
}

/// Ends everything that the account has.
///
/// # Errors
/// [`Problem`].
pub async fn submit_not_me(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    match visit.service.report(&visit.caller, &fields.secret("token")).await {
        Ok(()) => {
            let t = visit.texts();
            let page = visit.tell(&t.not_me_done_title, &t.not_me_done, ("/forgot", &t.forgot_link))?;
            visit.answer(StatusCode::OK, &page)
        }
        Err(error) => refused(&visit, Link::NotMe, fields.text("token"), error),
    }
}
