//! Pages as answers. The rule: a page has the policy that it declares, and is never cached.

use super::{policy::PagePolicy, state::PagesState, texts::Texts};
use crate::http::{
    problem::{Code, Problem},
    query::Query,
};
use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::BoxBody,
    http::header::{CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY},
};
use askama::Template;
use auth_domain::time::Timestamp;
use std::fmt;

/// The media type of every page.
const HTML: &str = "text/html; charset=utf-8";

/// Renders a page.
///
/// # Errors
/// An internal error, if it can't be written.
pub fn html(
    answer: HttpResponseBuilder,
    pages_state: &PagesState,
    policy: PagePolicy,
    page: &impl Template,
) -> Result<HttpResponse, Problem> {
    let written = page
        .render()
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(with_policy(answer, pages_state, policy, written))
}

fn with_policy(
    mut answer: HttpResponseBuilder,
    pages_state: &PagesState,
    policy: PagePolicy,
    written: String,
) -> HttpResponse {
    let mut answer = answer
        .insert_header((CONTENT_TYPE, HTML))
        // Not `no-referrer`: with it browsers would not send the origin of a form, either.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .body(written);
    policy.protect(answer.headers_mut(), pages_state);
    answer
}

/// Sends no referrer, for a page whose address holds a secret.
pub fn send_no_referrer(answer: &mut HttpResponse) {
    answer
        .headers_mut()
        .insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// Redirects to another address with GET (303, RFC 9110 §15.4.4).
#[must_use]
pub fn redirect(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, address))
        .finish()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    pages_state: &'a PagesState,
    t: &'a Texts,
    title: &'a str,
    detail: &'a str,
    /// What is wrong with the request, one by one.
    faults: Vec<&'a str>,
    /// What to do next: address and label.
    next: (String, &'a str),
    request_id: &'a str,
}

/// An error as a page: what went wrong, and what to do next. The path and the query are those of the request; a sign-in keeps its
/// `return_to`.
#[must_use]
pub fn problem(
    (pages_state, policy): (&PagesState, PagePolicy),
    problem: &Problem,
    (path, query): (&str, Query<'_>),
    request_id: &str,
) -> HttpResponse<BoxBody> {
    let (t, code) = (&pages_state.texts, problem.code());
    let return_to = pages_state.return_to(query).ok().flatten();
    let with_return_to = |page: String| pages_state.with_return_to(&page, return_to.as_deref());
    let title = t.fault_title(code.as_str()).unwrap_or(code.title());
    let said = t.problem(problem);
    let detail = match code {
        // The problem already has the text of the pages, with the addresses.
        Code::ForeignForm => problem.detail(),
        _ => &*said,
    };
    let (title, detail, next) = match code {
        // The user was signed out while the request was on its way.
        _ if code.status() == 401 => (
            &*t.session_over_title,
            &*t.session_over,
            (with_return_to(pages_state.at("/login")), &*t.login_link),
        ),
        Code::RegistrationClosed | Code::SetupClosed | Code::ReturnToNotAllowed => (
            title,
            detail,
            (with_return_to(pages_state.at("/login")), &*t.login_link),
        ),
        Code::ForeignForm | Code::FormExpired => (
            title,
            detail,
            (with_return_to(pages_state.section_of(path)), &*t.form_again),
        ),
        _ if code.status() == 422 => (
            title,
            detail,
            (with_return_to(pages_state.section_of(path)), &*t.begin_anew),
        ),
        _ if code.status() == 429 || code.status() >= 500 => (
            title,
            detail,
            (with_return_to(pages_state.section_of(path)), &*t.try_again),
        ),
        _ => (title, detail, (pages_state.at("/account"), &*t.to_account)),
    };
    let page = ProblemPage {
        pages_state,
        t,
        title,
        detail,
        faults: problem
            .errors()
            .iter()
            .map(|fault| t.fault(&fault.code).unwrap_or(&fault.message))
            .collect(),
        next,
        request_id,
    };
    // If the error page can't be rendered either, the answer is the detail alone.
    let written = page.render().unwrap_or_else(|_| problem.detail().to_owned());
    let mut answer = with_policy(problem.builder(), pages_state, policy, written);
    // The address may have held a secret, and this page has no form that needs a referrer.
    send_no_referrer(&mut answer);
    answer
}

#[derive(Template)]
#[template(path = "pause.html")]
struct PausePage<'a> {
    pages_state: &'a PagesState,
    t: &'a Texts,
    title: &'a str,
    address: &'a str,
}

/// A page that requests the same address again by itself.
///
/// # Errors
/// An internal error, if it can't be written.
pub fn pause(pages_state: &PagesState, policy: PagePolicy, address: &str) -> Result<HttpResponse, Problem> {
    let page = PausePage {
        pages_state,
        t: &pages_state.texts,
        title: &pages_state.name,
        address,
    };
    html(HttpResponse::Ok(), pages_state, policy, &page)
}

/// A time as pages show it. With scripts, browsers show it in the reader's own time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// The time for programs (RFC 3339).
    #[must_use]
    pub fn exact(&self) -> String {
        self.0.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d %H:%M UTC"))
    }
}
