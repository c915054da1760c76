//! The answers of pages. The rule: every page that is answered has its policy, and a page whose address holds a secret sends no
//! referrer.

use super::{context::PageContext, layout::Layout, policy::PagePolicy, render};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode};
use askama::Template;

/// A page with one message and one link.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage<'a> {
    /// The layout.
    pub layout: Layout<'a>,
    /// The message.
    pub message: &'a str,
    /// Address and label of the link.
    pub next: (String, &'a str),
}

impl PageContext {
    /// Answers with a page.
    ///
    /// # Errors
    /// An internal error, if it can't be written.
    pub fn answer(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
        self.with_policy(HttpResponse::build(status), page)
    }

    /// Answers a refused form with the page again, and with what is wrong.
    ///
    /// # Errors
    /// An internal error, if it can't be written.
    pub fn answer_again(&self, problem: &Problem, page: &impl Template) -> Result<HttpResponse, Problem> {
        let mut answer = self.with_policy(problem.builder(), page)?;
        answer.extensions_mut().insert(problem.code());
        Ok(answer)
    }

    fn with_policy(
        &self,
        answer: HttpResponseBuilder,
        page: &impl Template,
    ) -> Result<HttpResponse, Problem> {
        let mut answer = render::html(answer, &self.pages_state, PagePolicy::of(&self.request), page)?;
        // A URL that holds a secret is never sent as a referrer, not even to these pages.
        if self.query().all("token").next().is_some() {
            render::send_no_referrer(&mut answer);
        }
        Ok(answer)
    }

    /// A page with a message, and with a link (address and label).
    ///
    /// # Errors
    /// An outage.
    pub fn message_page<'a>(
        &'a self,
        title: &str,
        message: &'a str,
        next: (&str, &'a str),
    ) -> Result<MessagePage<'a>, Problem> {
        Ok(MessagePage {
            layout: self.layout(title)?,
            message,
            next: (self.pages_state.at(next.0), next.1),
        })
    }

    /// Answers that a mailed link has expired or was used, and what to do instead.
    ///
    /// # Errors
    /// An outage.
    pub fn expired_link(&self, message: &str, next: (&str, &str)) -> Result<HttpResponse, Problem> {
        let page = self.message_page(&self.texts().link_lapsed_title, message, next)?;
        self.answer_again(&Code::InvalidOrExpiredToken.into(), &page)
    }
}
