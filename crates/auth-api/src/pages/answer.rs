//! What a visitor is answered.

use super::{layout::Layout, policy::PagePolicy, render, visit::Visit};
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

impl Visit {
    /// A page.
    ///
    /// # Errors
    /// An internal error, if it can't be written.
    pub fn answer(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
        self.dressed(HttpResponse::build(status), page)
    }

    /// The page again with what is wrong, for a form that was refused.
    ///
    /// # Errors
    /// An internal error, if it can't be written.
    pub fn answer_again(&self, problem: &Problem, page: &impl Template) -> Result<HttpResponse, Problem> {
        let mut answer = self.dressed(problem.builder(), page)?;
        answer.extensions_mut().insert(problem.code());
        Ok(answer)
    }

    fn dressed(&self, answer: HttpResponseBuilder, page: &impl Template) -> Result<HttpResponse, Problem> {
        let mut answer = render::html(answer, &self.site, PagePolicy::of(&self.request), page)?;
        // A URL that holds a secret is never sent as a referrer, not even to these pages.
        if self.query().all("token").next().is_some() {
            render::keep_address_to_itself(&mut answer);
        }
        Ok(answer)
    }

    /// A page that says something, and where to go from there: address and label.
    ///
    /// # Errors
    /// An outage.
    pub fn tell<'a>(
        &'a self,
        title: &str,
        message: &'a str,
        next: (&str, &'a str),
    ) -> Result<MessagePage<'a>, Problem> {
        Ok(MessagePage {
            layout: self.layout(title)?,
            message,
            next: (self.site.at(next.0), next.1),
        })
    }

    /// A page for a mailed link that is no good any more, and what to do instead.
    ///
    /// # Errors
    /// An outage.
    pub fn tell_lapsed(&self, message: &str, next: (&str, &str)) -> Result<HttpResponse, Problem> {
        let page = self.tell(&self.texts().link_lapsed_title, message, next)?;
        self.answer_again(&Code::InvalidOrExpiredToken.into(), &page)
    }
}
