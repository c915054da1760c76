//! The middleware around every answer. It does these things in this order: assign a request id, find the client address, limit the
//! time, catch errors and panics, complete the headers, count the request, write the log line.

use crate::{
    http::{
        access_log::Line,
        client_address, headers,
        metrics::UNMATCHED,
        problem::{Code, PROBLEM_JSON, Problem},
        query::Query,
        request_id::{RequestId, X_REQUEST_ID},
        route::RoutePattern,
        state::{HttpState, RequestInfo, SeenUser},
        unread::UnreadBody,
    },
    oauth::error::OauthError,
    pages::{self, PagePolicy, PagesState, cookies::PendingCookies},
};
use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method,
        header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use auth_domain::ids::UserId;

use futures::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

/// Answers a request. Whatever the handler does, the client gets a complete answer in time.
pub async fn frame<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let started = Instant::now();
    let Some(http_state) = request.app_data::<Data<HttpState>>().cloned() else {
        return Err(Problem::internal("the app has no HTTP state").into());
    };
    let method = request.method().clone();
    let info = RequestInfo {
        id: RequestId::of(request.headers()),
        client: client_address::of(&request, &http_state.config.trusted_proxies),
    };
    request.extensions_mut().insert(info.clone());
    // The path as the router decodes it: `/%61ccount` is a page, too.
    let is_page = |pages_state: &&Arc<PagesState>| pages_state.covers(request.match_info().as_str());
    let pages_state = request.app_data::<Arc<PagesState>>().filter(is_page).cloned();
    let page = pages_state.map(|pages_state| Page {
        pages_state,
        path: request.match_info().as_str().to_owned(),
        query: request.query_string().to_owned(),
        cookies: PendingCookies::of(&mut request),
    });
    let unread = UnreadBody::of(&mut request);
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind();
    let frame = Frame {
        http_state: &http_state,
        method,
        info,
        started,
        unread,
        page,
    };
    match tokio::time::timeout(http_state.config.request_timeout, answered).await {
        Ok(Ok(Ok(answer))) => Ok(frame.around(answer)),
        Ok(Ok(Err(error))) => Err(frame.around_error(error)),
        Ok(Err(_panic)) => Err(frame.around_error(Problem::internal("a handler panicked").into())),
        Err(_elapsed) => {
            http_state.metrics.timed_out();
            Err(frame
                .around_error(Problem::unavailable("the request took longer than request_timeout").into()))
        }
    }
}

struct Frame<'a> {
    http_state: &'a HttpState,
    method: Method,
    info: RequestInfo,
    started: Instant,
    unread: Option<UnreadBody>,
    /// Set if the request is for a page, or for a path where only pages can be.
    page: Option<Page>,
}

/// What the answer of a page needs.
struct Page {
    pages_state: Arc<PagesState>,
    path: String,
    query: String,
    cookies: PendingCookies,
}

impl Page {
    /// Cookies are set whatever the answer has become, because a rotated refresh token must reach the browser. And scripts of other
    /// origins may read no page, whatever CORS allows for the routes.
    fn complete(&self, headers: &mut HeaderMap) {
        let of_cors = |name: &HeaderName| name.as_str().starts_with("access-control-");
        headers.retain(|name, _| !of_cors(name));
        self.cookies.attach(headers);
    }
}

impl Frame<'_> {
    fn around<B: MessageBody + 'static>(&self, answer: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
        let user = seen_user(&answer);
        let pattern = answer.request().app_data::<RoutePattern>().cloned();
        let route = pattern.as_ref().map_or(UNMATCHED, |pattern| &*pattern.0);
        let policy = PagePolicy::of(answer.request());
        let (request, response) = answer.into_parts();
        let rewritten = self.rewrite(&response, policy);
        let code_and_cause = match response.extensions().get::<Code>() {
            Some(of_page) => (Some(of_page.as_str()), None),
            None => code_and_cause(response.error()),
        };
        self.record(route, response.status().as_u16(), user, &code_and_cause);
        let mut response = match rewritten {
            None => response.map_into_left_body(),
            Some(mut problem) => {
                // Headers that inner layers added, such as CORS headers, stay.
                for (name, value) in response.headers() {
                    if !problem.headers().contains_key(name) {
                        problem.headers_mut().append(name.clone(), value.clone());
                    }
                }
                problem.map_into_right_body()
            }
        };
        policy.complete(response.headers_mut());
        self.complete(response.headers_mut());
        if let Some(unread) = &self.unread {
            response = response.map_body(|_, body| EitherBody::right(unread.clone().held_by(body)));
        }
        ServiceResponse::new(request, response)
    }

    /// An error in place of an answer. The request is gone by now, so this answer is completed here and sent as it is.
    fn around_error(&self, error: Error) -> Error {
        let plain = error.error_response();
        let mut answer = match error.as_error::<Problem>() {
            Some(problem) => self.error_answer(problem, PagePolicy::STRICT),
            None => self.error_answer(&Code::for_status(plain.status()).into(), PagePolicy::STRICT),
        };
        self.record(
            UNMATCHED,
            answer.status().as_u16(),
            None,
            &code_and_cause(Some(&error)),
        );
        self.complete(answer.headers_mut());
        if let Some(unread) = &self.unread {
            answer = answer.map_body(|_, body| unread.clone().held_by(body));
        }
        InternalError::from_response(error, answer).into()
    }

    /// The error answer to send instead: our own with the request id added, or our own in place of the framework's.
    fn rewrite<B>(&self, response: &HttpResponse<B>, policy: PagePolicy) -> Option<HttpResponse<BoxBody>> {
        if let Some(error) = response.error() {
            if let Some(problem) = error.as_error::<Problem>() {
                return Some(self.error_answer(problem, policy));
            }
            if error.as_error::<OauthError>().is_some() {
                return None;
            }
        }
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return None;
        }
        let typed = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let ours = typed.is_some_and(|typed| {
            typed == PROBLEM_JSON
                || typed.starts_with("application/json")
                || (self.page.is_some() && typed.starts_with("text/html"))
        });
        (!ours).then(|| self.error_answer(&Code::for_status(status).into(), policy))
    }

    /// An error as the client reads it: a page for a browser, JSON for a program.
    fn error_answer(&self, problem: &Problem, policy: PagePolicy) -> HttpResponse<BoxBody> {
        let id = self.info.id.as_str();
        match &self.page {
            Some(page) => {
                let asked = (page.path.as_str(), Query::of(&page.query));
                pages::render::problem((&page.pages_state, policy), problem, asked, id)
            }
            None => problem.answer(Some(id)),
        }
    }

    fn complete(&self, headers: &mut HeaderMap) {
        headers::complete(headers, self.http_state.config.is_public_over_tls());
        if let Ok(id) = HeaderValue::from_str(self.info.id.as_str()) {
            headers.insert(HeaderName::from_static(X_REQUEST_ID), id);
        }
        if let Some(page) = &self.page {
            page.complete(headers);
        }
    }

    fn record(
        &self,
        route: &str,
        status: u16,
        user: Option<UserId>,
        (code, cause): &(Option<&str>, Option<&str>),
    ) {
        let took = self.started.elapsed();
        let method = self.method.as_str();
        self.http_state.metrics.request(route, method, status, took);
        Line {
            info: &self.info,
            method,
            route,
            status,
            took,
            user,
            code: *code,
            cause: *cause,
        }
        .write();
    }
}

/// The code and the cause of an error.
fn code_and_cause(error: Option<&Error>) -> (Option<&str>, Option<&str>) {
    let Some(error) = error else { return (None, None) };
    if let Some(problem) = error.as_error::<Problem>() {
        (Some(problem.code().as_str()), problem.cause())
    } else if let Some(oauth) = error.as_error::<OauthError>() {
        (Some(oauth.code().as_str()), oauth.cause())
    } else {
        (None, None)
    }
}

fn seen_user<B>(answer: &ServiceResponse<B>) -> Option<UserId> {
    let of_answer = answer.response().extensions().get::<SeenUser>().copied();
    of_answer
        .or_else(|| answer.request().extensions().get::<SeenUser>().copied())
        .map(|seen| seen.0)
}
