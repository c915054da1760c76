//! The table of routes. The rule: a route is reachable if it is declared and not otherwise. Only this file registers handlers.

use super::operation::{ErrorFormat, Location, Operation};
use crate::http::{
    problem::{Code, Problem},
    query::UnknownParameters,
};
use actix_web::{
    Error, FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Responder, guard,
    http::{Method, header::HeaderValue},
    web,
};
use std::sync::Arc;

/// The path pattern of the route that a request matched, for metrics and log lines.
#[derive(Debug, Clone)]
pub struct RoutePattern(pub Arc<str>);

/// What a handler returns. Its type says in which format the route answers errors.
pub trait HandlerOutput {
    /// The format.
    const ERROR_FORMAT: ErrorFormat;

    /// The answer to unknown query parameters.
    fn unknown_parameters(found: UnknownParameters) -> Error {
        Problem::from(found).into()
    }
}

impl HandlerOutput for HttpResponse {
    const ERROR_FORMAT: ErrorFormat = ErrorFormat::NoErrors;
}

impl HandlerOutput for Result<HttpResponse, Problem> {
    const ERROR_FORMAT: ErrorFormat = ErrorFormat::Problem;
}

/// A route: its declaration and its handler.
#[must_use]
pub struct Route {
    operation: Operation,
    endpoint: actix_web::Route,
    unknown_parameters: fn(UnknownParameters) -> Error,
}

impl Route {
    pub(super) fn new<H, Args>(mut operation: Operation, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + HandlerOutput + 'static,
    {
        operation.error_format = H::Output::ERROR_FORMAT;
        let endpoint = if operation.method == Method::GET {
            web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            web::method(operation.method.clone())
        };
        Self {
            endpoint: endpoint.to(handler),
            operation,
            unknown_parameters: H::Output::unknown_parameters,
        }
    }
}

impl Route {
    /// What it declares.
    pub(crate) const fn operation(&self) -> &Operation {
        &self.operation
    }
}

/// Routes, to be registered or inspected.
#[derive(Default)]
pub struct Table(Vec<Route>);

impl Table {
    /// A table without routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds routes below a path.
    #[must_use]
    pub fn below(mut self, base: &str, routes: impl IntoIterator<Item = Route>) -> Self {
        self.0.extend(routes.into_iter().map(|mut route| {
            route.operation.path.insert_str(0, base);
            route
        }));
        self
    }

    /// Adds the routes of another table.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// What they declare.
    #[must_use]
    pub fn operations(self) -> Vec<Operation> {
        self.0.into_iter().map(|route| route.operation).collect()
    }

    /// Registers the routes. Every other request is answered 404.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where routes meet the framework"
    )]
    pub fn register(self, app: &mut web::ServiceConfig) {
        app.default_service(web::to(not_found));
        self.register_with(app, |resource| resource);
    }

    /// Registers the routes, and configures the resource of each path.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where routes meet the framework"
    )]
    pub(crate) fn register_with(
        self,
        app: &mut web::ServiceConfig,
        configure: impl Fn(actix_web::Resource) -> actix_web::Resource,
    ) {
        let mut left = self.0;
        while let Some(path) = left.first().map(|route| route.operation.path.clone()) {
            let (here, others): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|route| route.operation.path == path);
            app.service(configure(resource(&path, here)));
            left = others;
        }
    }
}

/// The resource of a path. The answer to a request that no route takes names the methods or the unknown parameters.
fn resource(path: &str, routes: Vec<Route>) -> actix_web::Resource {
    let allow = allow(&routes);
    let unknown = routes.first().map_or(
        <Result<HttpResponse, Problem>>::unknown_parameters as _,
        |route| route.unknown_parameters,
    );
    let resource = web::resource(path)
        .app_data(RoutePattern(path.into()))
        .default_service(web::to(move |request: HttpRequest| {
            std::future::ready(Err::<HttpResponse, Error>(refusal(&request, &allow, unknown)))
        }));
    routes.into_iter().fold(resource, |resource, route| {
        resource.route(strict(route.operation, route.endpoint))
    })
}

/// The `Allow` header of a path (RFC 9110 §10.2.1).
fn allow(routes: &[Route]) -> HeaderValue {
    let mut methods = Vec::new();
    for (method, names) in [
        (Method::GET, "GET, HEAD"),
        (Method::POST, "POST"),
        (Method::PATCH, "PATCH"),
        (Method::DELETE, "DELETE"),
    ] {
        if routes.iter().any(|route| route.operation.method == method) {
            methods.push(names);
        }
    }
    HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

/// A route that matches only if it knows every query parameter. The resource answers all other requests.
fn strict(operation: Operation, endpoint: actix_web::Route) -> actix_web::Route {
    if operation.ignores_unknown_parameters {
        return endpoint;
    }
    let known: Box<[&'static str]> = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.location == Location::Query)
        .map(|parameter| parameter.name)
        .collect();
    endpoint.guard(guard::fn_guard(move |request| {
        UnknownParameters::are_absent(request, &known)
    }))
}

/// Why no route of a path took a request.
fn refusal(request: &HttpRequest, allow: &HeaderValue, unknown: fn(UnknownParameters) -> Error) -> Error {
    match request.extensions_mut().remove::<UnknownParameters>() {
        Some(found) => unknown(found),
        None => Problem::method_not_allowed(allow.clone()).into(),
    }
}

/// The answer to a path without routes.
async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Code::NotFound.into())
}
