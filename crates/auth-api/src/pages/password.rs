//! `/forgot`, `/reset`, and the hint while a new password is typed. The rule: opening a page uses nothing up, and an answer does
//! not reveal whether an account exists.

use super::{
    access::View,
    context::PageContext,
    fields::Faults,
    form::Submitted,
    layout::Layout,
    page::{Page, page},
    texts::{Done, Texts},
};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::{email::EmailAddress, password::PasswordPolicy};
use serde::Serialize;

/// The pages that reset a password, and the hint about a new one.
pub(super) fn pages() -> [Page; 3] {
    [
        page("/forgot")
            .anyone()
            .shows(show_forgot)
            .anyone()
            .takes(submit_forgot),
        page("/reset")
            .anyone()
            .shows(show_reset)
            .anyone()
            .takes(submit_reset),
        page("/password-hint").anyone().takes(judge),
    ]
}

/// The rules for a new password, in words.
#[must_use]
pub fn hint(t: &Texts, rules: &PasswordPolicy) -> String {
    let mut hint = t.fill(&t.password_length, "least", rules.min_length.to_string());
    let kinds = [
        (rules.require_lowercase, &t.password_lowercase),
        (rules.require_uppercase, &t.password_uppercase),
        (rules.require_digit, &t.password_digit),
        (rules.require_symbol, &t.password_symbol),
        (rules.min_score > 0, &t.password_guessable),
    ];
    for (_, words) in kinds.into_iter().filter(|(asked, _)| *asked) {
        hint.push(' ');
        hint.push_str(words);
    }
    hint
}

/// The hint about a password while it is typed.
#[derive(Serialize)]
struct HintJson {
    message: String,
    good: bool,
}

/// Rates a password that is being typed, by a signed-in user or in a form. The password is neither stored nor counted as a guess.
async fn judge(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let own = context
        .principal
        .as_ref()
        .map(|principal| principal.claims.email.clone());
    let (email, name) = (own.or(fields.optional("email")), fields.optional("name"));
    let faults = context
        .service
        .password_violations(fields.secret("password"), email.as_deref(), name.as_deref())
        .await?;
    let t = context.texts();
    let said = faults
        .iter()
        .map(|fault| t.fault(fault.code).unwrap_or(&fault.message));
    let said: Vec<&str> = said.collect();
    Ok(HttpResponse::Ok().json(HintJson {
        good: said.is_empty(),
        message: if said.is_empty() {
            t.password_good.to_string()
        } else {
            said.join(" ")
        },
    }))
}

#[derive(Template)]
#[template(path = "forgot.html")]
struct ForgotPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    email: &'a str,
}

/// Shows the form.
async fn show_forgot(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    let page = ForgotPage {
        layout: context.layout(&context.texts().forgot_title)?,
        faults: Faults::default(),
        email: "",
    };
    context.answer(StatusCode::OK, &page)
}

/// Sends a link. The answer is the same for every address.
async fn submit_forgot(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let (t, email) = (context.texts(), fields.trimmed("email"));
    // A text that can't be an email address belongs to no user, so the page may say that it is mistyped.
    let asked = if EmailAddress::parse(email).is_err() {
        Err(Problem::from(Code::InvalidEmail))
    } else {
        match context.service.forgot_password(&context.caller, email).await {
            Ok(()) => Ok(()),
            Err(error) => Err(context.refusal(error)?),
        }
    };
    match asked {
        Ok(()) => {
            let (title, message) = if context.service.mail_cannot_reach(email) {
                (&t.mail_unreachable_title, &t.mail_unreachable)
            } else {
                (&t.check_mail_title, &t.forgot_sent)
            };
            let page = context.message_page(title, message, ("/login", &t.login_link))?;
            context.answer(StatusCode::ACCEPTED, &page)
        }
        Err(problem) => {
            let faults = match problem.code() {
                Code::InvalidEmail => Faults::one("email", "invalid", &t.forgot_email_bad),
                _ => Faults::of(&problem, &[], t),
            };
            let page = ForgotPage {
                layout: context.layout(&t.forgot_title)?,
                faults,
                email,
            };
            context.answer_again(&problem, &page)
        }
    }
}

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    token: &'a str,
    password_hint: String,
}

impl<'a> ResetPage<'a> {
    fn of(context: &'a PageContext, token: &'a str, faults: Faults) -> Result<Self, Problem> {
        let t = context.texts();
        Ok(Self {
            layout: context.layout(&t.reset_title)?,
            faults,
            token,
            password_hint: hint(t, context.service.password_rules()),
        })
    }
}

/// Shows the form that a mailed link opens. Opening it does not use up the link, because programs that scan mail open links, too.
async fn show_reset(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    let token = context.query().single("token")?.unwrap_or_default();
    if token.is_empty() {
        return reset_link_expired(&context);
    }
    context.answer(
        StatusCode::OK,
        &ResetPage::of(&context, &token, Faults::default())?,
    )
}

/// Sets the new password. Every session ends, and this device is known from now on.
async fn submit_reset(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let token = fields.secret("token");
    let outcome = context
        .service
        .reset_password(&context.caller, &token, fields.secret("new_password"))
        .await;
    match outcome {
        Ok(device) => {
            // The session in this browser may belong to another user.
            context.end_session_before().await;
            context.forget_session();
            context.keep_device(&device);
            Ok(context.done("/login", Done::PasswordReset))
        }
        Err(auth_service::AccountError::InvalidOrExpiredToken) => reset_link_expired(&context),
        Err(error) => {
            let (problem, faults) = context.refused(error, &[("password", "new_password")])?;
            context.answer_again(&problem, &ResetPage::of(&context, fields.text("token"), faults)?)
        }
    }
}

/// Answers that the reset link has expired or was used, and how to request another.
fn reset_link_expired(context: &PageContext) -> Result<HttpResponse, Problem> {
    let t = context.texts();
    context.expired_link(&t.reset_lapsed, ("/forgot", &t.forgot_again))
}
