//! An address of a page and its methods, until pages declare themselves as routes do.

use super::{problem::Problem, route::Pattern};
use actix_web::{HttpResponse, Resource, Route, guard, http::header::HeaderValue, web};

/// An address; a method that it does not take is told those that it does.
pub(crate) fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path)
        .app_data(Pattern(path.into()))
        .default_service(web::to(move || async move {
            let allow = HeaderValue::from_static(allow);
            Err::<HttpResponse, Problem>(Problem::method_not_allowed(allow))
        }))
}

/// GET, and HEAD with it (RFC 9110 §9.1), whatever the query says.
pub(crate) fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
