//! An address and its methods.
//!
//! The rule: a method that an address does not take gets 405 with those that it does (RFC 9110 §15.5.6), and a query parameter that
//! no handler reads is refused.

use super::{
    problem::{Code, Problem},
    query::UnknownParameters,
};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Resource, Route, guard, web};
use std::sync::Arc;

/// The pattern of the route that a request fits, for counters and log lines.
#[derive(Debug, Clone)]
pub struct Pattern(pub Arc<str>);

/// Whatever no address fits.
///
/// # Errors
/// Always: 404.
pub async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Code::NotFound.into())
}

/// An address; a method that it does not take is told those that it does.
pub(crate) fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path)
        .app_data(Pattern(path.into()))
        .default_service(web::to(move |request: HttpRequest| async move {
            Err::<HttpResponse, Problem>(unmatched(&request, allow))
        }))
}

/// Why no route of an address took a request.
pub(crate) fn unmatched(request: &HttpRequest, allow: &'static str) -> Problem {
    let unknown = request.extensions_mut().remove::<UnknownParameters>();
    unknown.map_or_else(|| Problem::method_not_allowed(allow), Problem::from)
}

/// GET, and HEAD with it (RFC 9110 §9.1), whatever the query says.
pub(crate) fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// GET and HEAD of the API, with the query parameters that the handler reads. A request with another one gets 422.
pub(crate) fn get(known: &'static [&'static str]) -> Route {
    strict(read(), known)
}

pub(crate) fn post() -> Route {
    strict(web::post(), &[])
}

pub(crate) fn patch() -> Route {
    strict(web::patch(), &[])
}

pub(crate) fn delete() -> Route {
    strict(web::delete(), &[])
}

/// The route matches only a query that it knows; the address's default service answers all others.
fn strict(route: Route, known: &'static [&'static str]) -> Route {
    route.guard(guard::fn_guard(move |request| {
        UnknownParameters::are_absent(request, known)
    }))
}
