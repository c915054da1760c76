//! What a visitor is answered.

use super::{context::PageContext, layout::Layout, policy::PagePolicy, render};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode};
use askama::Template;

/// A sentence, and where to go from there.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage<'a> {
    /// What is around it.
    pub layout: Layout<'a>,
    /// The sentence.
    pub message: &'a str,
    /// Address and label.
    pub next: (String, &'a str),
}

impl PageContext {
    /// A page.
    ///
    /// # Errors
    /// An internal error, if it can't be written.
    pub fn answer(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
        self.with_policy(HttpResponse::build(status), page)
    }

    /// The page again with what is wrong, for a form that was refused.
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

    /// A page that says something, and where to go from there: address and label.
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

    /// A page for a mailed link that is no good any more, and what to do instead.
    ///
    /// # Errors
    /// An outage.
    pub fn expired_link(&self, message: &str, next: (&str, &str)) -> Result<HttpResponse, Problem> {
        let page = self.message_page(&self.texts().link_lapsed_title, message, next)?;
        self.answer_again(&Code::InvalidOrExpiredToken.into(), &page)
    }
}
