//! `/login` and `/logout`.

use super::{
    fields::Faults,
    form::Sent,
    guest::Seen,
    layout::Layout,
    page::{Page, page},
    texts::Done,
    visit::Visit,
};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

/// Signing in and out.
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
    /// The addresses of the two forms, each with the way back.
    here: String,
    register: String,
    ended: bool,
    may_register: bool,
    /// Whether a link that confirms the address is offered.
    to_confirm: bool,
}

impl<'a> LoginPage<'a> {
    fn of(visit: &'a Visit, email: &'a str, faults: Faults) -> Result<Self, Problem> {
        let return_to = visit.return_to()?;
        let leading_back = |place| {
            visit
                .site
                .leading_back(&visit.site.at(place), return_to.as_deref())
        };
        Ok(Self {
            layout: visit.layout(&visit.texts().login_title)?,
            to_confirm: false,
            faults,
            email,
            here: leading_back("/login"),
            register: leading_back("/register"),
            ended: visit.query().all("ended").next().is_some(),
            may_register: visit.service.registration_config().open,
        })
    }
}

/// The form; whoever is signed in is led on.
///
/// # Errors
/// [`Problem`].
async fn show(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    let return_to = visit.return_to()?;
    if visit.principal.is_some() {
        return Ok(visit.go_to(return_to.as_deref()));
    }
    let page = LoginPage::of(&visit, "", Faults::default())?;
    visit.answer(StatusCode::OK, &page)
}

/// Signs in.
///
/// # Errors
/// [`Problem`].
async fn submit(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    let return_to = visit.return_to()?;
    let email = fields.trimmed("email");
    let outcome = visit
        .service
        .login(&visit.caller, email, fields.secret("password"))
        .await;
    match outcome {
        Ok(step) => {
            let tokens = step.done().map_err(Problem::from)?;
            visit.sign_in(&tokens, return_to.as_deref()).await
        }
        Err(error) => {
            let (problem, faults) = visit.refused(error, &[])?;
            let page = LoginPage {
                to_confirm: problem.code() == Code::EmailNotVerified,
                ..LoginPage::of(&visit, email, faults)?
            };
            visit.answer_again(&problem, &page)
        }
    }
}

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    layout: Layout<'a>,
}

/// A question, for whoever followed a link here: a link must not sign anybody out.
///
/// # Errors
/// [`Problem`].
async fn ask(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    if visit.principal.is_none() {
        return Ok(visit.go("/login"));
    }
    let page = LogoutPage {
        layout: visit.layout(&visit.texts().logout_title)?,
    };
    visit.answer(StatusCode::OK, &page)
}

/// Signs out, here and on the server.
///
/// # Errors
/// [`Problem`]: then nothing was ended.
async fn logout(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let visit = sent.guest;
    if let Some(principal) = &visit.principal {
        visit.service.logout(principal, &visit.caller).await?;
    }
    visit.forget_session();
    Ok(visit.done("/login", Done::SignedOut))
}
