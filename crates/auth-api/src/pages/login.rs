//! `/login` and `/logout`. The rule: only a form signs a user in or out, never a link.

use super::{
    access::View,
    context::PageContext,
    fields::Faults,
    form::Submitted,
    layout::Layout,
    page::{Page, page},
    texts::Done,
};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

/// The pages that sign a user in and out.
pub(super) fn pages() -> [Page; 2] {
    [
        page("/login").anyone().shows(show).anyone().takes(submit),
        page("/logout").anyone().shows(ask).anyone().takes(logout),
    ]
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    email: &'a str,
    /// The addresses of the two forms, each with `return_to`.
    here: String,
    register: String,
    ended: bool,
    may_register: bool,
    /// Whether the page offers to send a confirmation link.
    to_confirm: bool,
}

impl<'a> LoginPage<'a> {
    fn of(context: &'a PageContext, email: &'a str, faults: Faults) -> Result<Self, Problem> {
        let return_to = context.return_to()?;
        let with_return_to = |place| {
            context
                .pages_state
                .with_return_to(&context.pages_state.at(place), return_to.as_deref())
        };
        Ok(Self {
            layout: context.layout(&context.texts().login_title)?,
            to_confirm: false,
            faults,
            email,
            here: with_return_to("/login"),
            register: with_return_to("/register"),
            ended: context.query().all("ended").next().is_some(),
            may_register: context.service.registration_config().open,
        })
    }
}

/// Shows the form. A signed-in user is redirected.
async fn show(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    let return_to = context.return_to()?;
    if context.principal.is_some() {
        return Ok(context.redirect_after_sign_in(return_to.as_deref()));
    }
    let page = LoginPage::of(&context, "", Faults::default())?;
    context.answer(StatusCode::OK, &page)
}

/// Signs the user in.
async fn submit(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let return_to = context.return_to()?;
    let email = fields.trimmed("email");
    let outcome = context
        .service
        .login(&context.caller, email, fields.secret("password"))
        .await;
    match outcome {
        Ok(step) => {
            let tokens = step.done().map_err(Problem::from)?;
            context.sign_in(&tokens, return_to.as_deref()).await
        }
        Err(error) => {
            let (problem, faults) = context.refused(error, &[])?;
            let page = LoginPage {
                to_confirm: problem.code() == Code::EmailNotVerified,
                ..LoginPage::of(&context, email, faults)?
            };
            context.answer_again(&problem, &page)
        }
    }
}

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    layout: Layout<'a>,
}

/// Asks whether to sign out, because a link must not sign anyone out.
async fn ask(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    if context.principal.is_none() {
        return Ok(context.redirect("/login"));
    }
    let page = LogoutPage {
        layout: context.layout(&context.texts().logout_title)?,
    };
    context.answer(StatusCode::OK, &page)
}

/// Signs the user out, in the browser and on the server.
///
/// # Errors
/// [`Problem`]: then nothing was ended.
async fn logout(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let context = submitted.access;
    if let Some(principal) = &context.principal {
        context.service.logout(principal, &context.caller).await?;
    }
    context.forget_session();
    Ok(context.done("/login", Done::SignedOut))
}
