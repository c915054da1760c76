//! `/verify-email` and `/not-me`: the pages of the other mailed links. The rule: a link opens a page, and only its button does
//! anything, because programs that scan mail follow links, too.

use super::{
    access::View,
    context::PageContext,
    fields::Faults,
    form::Submitted,
    layout::Layout,
    page::{Page, page},
    password::hint,
    texts::Done,
};
use crate::http::problem::Problem;
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::address_link::{LinkNeeds, LinkProof};
use auth_service::AccountError;

/// The pages of the other mailed links.
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

/// The page that confirms an email address: with a button, or with a password.
#[derive(Template)]
#[template(path = "confirm_address.html")]
struct AddressPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    token: &'a str,
    /// Whether the page takes a password.
    by_password: bool,
    /// Whether the password may be a new one.
    or_new: bool,
    password_hint: String,
}

impl<'a> AddressPage<'a> {
    fn of(
        context: &'a PageContext,
        needs: LinkNeeds,
        token: &'a str,
        faults: Faults,
    ) -> Result<Self, Problem> {
        let t = context.texts();
        Ok(Self {
            layout: context.layout(&t.verify_title)?,
            faults,
            token,
            by_password: needs != LinkNeeds::Nothing,
            or_new: needs == LinkNeeds::Password { or_new: true },
            password_hint: hint(t, context.service.password_rules()),
        })
    }
}

/// Shows the page that confirms an email address. Opening it does not use up the link.
async fn show_verify(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    let token = context.query().single("token")?.unwrap_or_default();
    match context
        .service
        .link_needs(
            context.principal.as_ref(),
            &token.as_str().into(),
            &context.caller,
        )
        .await
    {
        Ok(needs) => {
            let page = AddressPage::of(&context, needs, &token, Faults::default())?;
            context.answer(StatusCode::OK, &page)
        }
        Err(AccountError::InvalidOrExpiredToken) => verify_link_expired(&context),
        Err(error) => Err(error.into()),
    }
}

/// Confirms the user's email address, or changes it to the confirmed one.
async fn submit_verify(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let (token, principal) = (fields.secret("token"), context.principal.as_ref());
    let proof = if fields.has("new_password") {
        LinkProof::NewPassword(fields.secret("new_password"))
    } else if fields.has("current_password") {
        LinkProof::Password(fields.secret("current_password"))
    } else {
        LinkProof::LinkAlone
    };
    let by_password = !matches!(proof, LinkProof::LinkAlone);
    match context
        .service
        .confirm_email(principal, &context.caller, &token, proof)
        .await
    {
        Ok(confirmed) => {
            context.keep_known(confirmed.device.as_ref());
            if by_password && !confirmed.in_session {
                // The session in this browser belongs to another account, or has just ended.
                context.end_session_before().await;
                context.forget_session();
                return Ok(context.done("/login", Done::EmailVerified));
            }
            let next = if principal.is_some() { "/account" } else { "/login" };
            Ok(context.done(next, Done::EmailVerified))
        }
        Err(error) => verify_refused(&context, fields.text("token"), error).await,
    }
}

/// Shows the form again, with what is wrong.
async fn verify_refused(
    context: &PageContext,
    token: &str,
    error: AccountError,
) -> Result<HttpResponse, Problem> {
    if matches!(error, AccountError::InvalidOrExpiredToken) {
        return verify_link_expired(context);
    }
    let known = [
        ("password", "new_password"),
        ("current_password", "current_password"),
    ];
    let (problem, faults) = context.refused(error, &known)?;
    let principal = context.principal.as_ref();
    match context
        .service
        .link_needs(principal, &token.into(), &context.caller)
        .await
    {
        Ok(needs) => context.answer_again(&problem, &AddressPage::of(context, needs, token, faults)?),
        Err(AccountError::InvalidOrExpiredToken) => verify_link_expired(context),
        Err(error) => Err(error.into()),
    }
}

/// Answers that the link has expired or was used, and what to do instead.
fn verify_link_expired(context: &PageContext) -> Result<HttpResponse, Problem> {
    let t = context.texts();
    context.expired_link(&t.verify_lapsed, ("/verify-email/again", &t.confirm_again_button))
}

/// The page "This was not me", with one button.
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
    fn of(context: &'a PageContext, token: &'a str, faults: Faults) -> Result<Self, Problem> {
        let t = context.texts();
        Ok(Self {
            layout: context.layout(&t.not_me_title)?,
            faults,
            message: &t.not_me_message,
            button: &t.not_me_button,
            token,
        })
    }
}

/// Shows the page that a mailed notice links to: "this was not me".
async fn show_not_me(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    let token = context.query().single("token")?.unwrap_or_default();
    if token.is_empty() {
        return not_me_link_expired(&context);
    }
    context.answer(
        StatusCode::OK,
        &NotMePage::of(&context, &token, Faults::default())?,
    )
}

/// Locks the account: ends all its sessions and credentials.
async fn submit_not_me(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let t = context.texts();
    match context
        .service
        .report(&context.caller, &fields.secret("token"))
        .await
    {
        Ok(()) => {
            let page =
                context.message_page(&t.not_me_done_title, &t.not_me_done, ("/forgot", &t.reset_title))?;
            context.answer(StatusCode::OK, &page)
        }
        Err(AccountError::InvalidOrExpiredToken) => not_me_link_expired(&context),
        Err(error) => {
            let (problem, faults) = context.refused(error, &[])?;
            context.answer_again(&problem, &NotMePage::of(&context, fields.text("token"), faults)?)
        }
    }
}

/// Answers that the notice's link has expired or was used, and what to do instead.
fn not_me_link_expired(context: &PageContext) -> Result<HttpResponse, Problem> {
    let t = context.texts();
    context.expired_link(&t.not_me_lapsed, ("/forgot", &t.reset_title))
}
