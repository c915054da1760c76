//! `/verify-email` and `/not-me`: what the other mailed links open. The rule: a link opens a page, and only a press of its button
//! does anything, since programs that look at mails follow links, too.

use super::{
    fields::Faults,
    form::Sent,
    guest::Seen,
    layout::Layout,
    page::{Page, page},
    password::hint,
    texts::Done,
    visit::Visit,
};
use crate::http::problem::Problem;
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::address_link::{LinkNeeds, LinkProof};
use auth_service::AccountError;

/// What the other mailed links open.
pub(super) fn pages() -> [Page; 2] {
    [
        page("/verify-email")
            .anyone()
            .shows(show_verify)
            .anyone()
            .takes(submit_verify),
        page("/not-me")
            .anyone()
            .shows(show_not_me)
            .anyone()
            .takes(submit_not_me),
    ]
}

/// What confirms an address: a button, or a password.
#[derive(Template)]
#[template(path = "confirm_address.html")]
struct AddressPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    token: &'a str,
    /// Whether it takes a password.
    by_password: bool,
    /// Whether that may be a new one.
    or_new: bool,
    password_hint: String,
}

impl<'a> AddressPage<'a> {
    fn of(visit: &'a Visit, needs: LinkNeeds, token: &'a str, faults: Faults) -> Result<Self, Problem> {
        let t = visit.texts();
        Ok(Self {
            layout: visit.layout(&t.verify_title)?,
            faults,
            token,
            by_password: needs != LinkNeeds::Nothing,
            or_new: needs == LinkNeeds::Password { or_new: true },
            password_hint: hint(t, visit.service.password_rules()),
        })
    }
}

/// The page that confirms an address. Opening it uses nothing up.
///
/// # Errors
/// [`Problem`].
async fn show_verify(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    let token = visit.query().single("token")?.unwrap_or_default();
    match visit
        .service
        .link_needs(visit.principal.as_ref(), &token.as_str().into(), &visit.caller)
        .await
    {
        Ok(needs) => {
            let page = AddressPage::of(&visit, needs, &token, Faults::default())?;
            visit.answer(StatusCode::OK, &page)
        }
        Err(AccountError::InvalidOrExpiredToken) => verify_lapsed(&visit),
        Err(error) => Err(error.into()),
    }
}

/// Confirms an address, or makes it the account's.
///
/// # Errors
/// [`Problem`].
async fn submit_verify(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    let (token, principal) = (fields.secret("token"), visit.principal.as_ref());
    let proof = if fields.has("new_password") {
        LinkProof::NewPassword(fields.secret("new_password"))
    } else if fields.has("current_password") {
        LinkProof::Password(fields.secret("current_password"))
    } else {
        LinkProof::LinkAlone
    };
    let by_password = !matches!(proof, LinkProof::LinkAlone);
    match visit
        .service
        .confirm_email(principal, &visit.caller, &token, proof)
        .await
    {
        Ok(confirmed) => {
            visit.keep_known(confirmed.device.as_ref());
            if by_password && !confirmed.in_session {
                // The session that this browser had is another account's, or has just ended.
                visit.end_session_before().await;
                visit.forget_session();
                return Ok(visit.done("/login", Done::EmailVerified));
            }
            let next = if principal.is_some() { "/account" } else { "/login" };
            Ok(visit.done(next, Done::EmailVerified))
        }
        Err(error) => verify_refused(&visit, fields.text("token"), error).await,
    }
}

/// The form of an address again, with what is wrong.
async fn verify_refused(visit: &Visit, token: &str, error: AccountError) -> Result<HttpResponse, Problem> {
    if matches!(error, AccountError::InvalidOrExpiredToken) {
        return verify_lapsed(visit);
    }
    let known = [
        ("password", "new_password"),
        ("current_password", "current_password"),
    ];
    let (problem, faults) = visit.refused(error, &known)?;
    let principal = visit.principal.as_ref();
    match visit
        .service
        .link_needs(principal, &token.into(), &visit.caller)
        .await
    {
        Ok(needs) => visit.answer_again(&problem, &AddressPage::of(visit, needs, token, faults)?),
        Err(AccountError::InvalidOrExpiredToken) => verify_lapsed(visit),
        Err(error) => Err(error.into()),
    }
}

/// A link that is no good any more, and what to do instead.
fn verify_lapsed(visit: &Visit) -> Result<HttpResponse, Problem> {
    let t = visit.texts();
    visit.tell_lapsed(&t.verify_lapsed, ("/verify-email/again", &t.confirm_again_button))
}

/// "This was not me": one button.
#[derive(Template)]
#[template(path = "confirm.html")]
struct NotMePage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    message: &'a str,
    button: &'a str,
    token: &'a str,
}

impl<'a> NotMePage<'a> {
    fn of(visit: &'a Visit, token: &'a str, faults: Faults) -> Result<Self, Problem> {
        let t = visit.texts();
        Ok(Self {
            layout: visit.layout(&t.not_me_title)?,
            faults,
            message: &t.not_me_message,
            button: &t.not_me_button,
            token,
        })
    }
}

/// The page that a notice leads to: "this was not me".
///
/// # Errors
/// [`Problem`].
async fn show_not_me(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    let token = visit.query().single("token")?.unwrap_or_default();
    if token.is_empty() {
        return not_me_lapsed(&visit);
    }
    visit.answer(StatusCode::OK, &NotMePage::of(&visit, &token, Faults::default())?)
}

/// Ends everything that the account has.
///
/// # Errors
/// [`Problem`].
async fn submit_not_me(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    let t = visit.texts();
    match visit.service.report(&visit.caller, &fields.secret("token")).await {
        Ok(()) => {
            let page = visit.tell(&t.not_me_done_title, &t.not_me_done, ("/forgot", &t.reset_title))?;
            visit.answer(StatusCode::OK, &page)
        }
        Err(AccountError::InvalidOrExpiredToken) => not_me_lapsed(&visit),
        Err(error) => {
            let (problem, faults) = visit.refused(error, &[])?;
            visit.answer_again(&problem, &NotMePage::of(&visit, fields.text("token"), faults)?)
        }
    }
}

/// A notice's link that is no good any more, and what to do instead.
fn not_me_lapsed(visit: &Visit) -> Result<HttpResponse, Problem> {
    let t = visit.texts();
    visit.tell_lapsed(&t.not_me_lapsed, ("/forgot", &t.reset_title))
}
