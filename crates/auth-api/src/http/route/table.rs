//! The URL table. The rule: what is declared is what is reachable, and nothing else is: only this file registers handlers.

use super::operation::{Failures, Operation, Place};
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

/// The pattern of the route that a request fits, for counters and log lines.
#[derive(Debug, Clone)]
pub struct Pattern(pub Arc<str>);

/// What a handler answers with; its type says how the route answers when it can't do what was asked.
pub trait Outcome {
    /// How.
    const FAILURES: Failures;

    /// The answer to parameters that the route does not read.
    fn unknown_parameters(found: UnknownParameters) -> Error {
        Problem::from(found).into()
    }
}

impl Outcome for HttpResponse {
    const FAILURES: Failures = Failures::Never;
}

impl Outcome for Result<HttpResponse, Problem> {
    const FAILURES: Failures = Failures::Problems;
}

/// A route: what it declares, and its handler.
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
        H::Output: Responder + Outcome + 'static,
    {
        operation.failures = H::Output::FAILURES;
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

/// Routes, to be registered or to be looked at.
#[derive(Default)]
pub struct Table(Vec<Route>);

impl Table {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These as well, below a path.
    #[must_use]
    pub fn below(mut self, base: &str, routes: impl IntoIterator<Item = Route>) -> Self {
        self.0.extend(routes.into_iter().map(|mut route| {
            route.operation.path.insert_str(0, base);
            route
        }));
        self
    }

    /// Those of another table as well.
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

    /// Makes them reachable, and nothing else.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where routes meet the framework"
    )]
    pub fn register(self, app: &mut web::ServiceConfig) {
        app.default_service(web::to(nothing_here));
        self.register_with(app, |address| address);
    }

    /// Makes them reachable at addresses that know something of their own.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where routes meet the framework"
    )]
    pub(crate) fn register_with(
        self,
        app: &mut web::ServiceConfig,
        knowing: impl Fn(actix_web::Resource) -> actix_web::Resource,
    ) {
        let mut left = self.0;
        while let Some(path) = left.first().map(|route| route.operation.path.clone()) {
            let (here, others): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|route| route.operation.path == path);
            app.service(knowing(resource(&path, here)));
            left = others;
        }
    }
}

/// An address with its routes. A request that none of them takes learns which methods there are, or which parameters are unknown.
fn resource(path: &str, routes: Vec<Route>) -> actix_web::Resource {
    let allow = allow(&routes);
    let unknown = routes.first().map_or(
        <Result<HttpResponse, Problem>>::unknown_parameters as _,
        |route| route.unknown_parameters,
    );
    let address = web::resource(path)
        .app_data(Pattern(path.into()))
        .default_service(web::to(move |request: HttpRequest| {
            std::future::ready(Err::<HttpResponse, Error>(refusal(&request, &allow, unknown)))
        }));
    routes.into_iter().fold(address, |address, route| {
        address.route(strict(route.operation, route.endpoint))
    })
}

/// The methods of an address (RFC 9110 §10.2.1).
fn allow(routes: &[Route]) -> HeaderValue {
    let mut methods = Vec::new();
    for (method, named) in [
        (Method::GET, "GET, HEAD"),
        (Method::POST, "POST"),
        (Method::PATCH, "PATCH"),
        (Method::DELETE, "DELETE"),
    ] {
        if routes.iter().any(|route| route.operation.method == method) {
            methods.push(named);
        }
    }
    HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

/// The route matches only a query that it knows; the address answers all others.
fn strict(operation: Operation, endpoint: actix_web::Route) -> actix_web::Route {
    if operation.any_query {
        return endpoint;
    }
    let known: Box<[&'static str]> = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place == Place::Query)
        .map(|parameter| parameter.name)
        .collect();
    endpoint.guard(guard::fn_guard(move |request| {
        UnknownParameters::are_absent(request, &known)
    }))
}

/// Why no route of an address took a request.
fn refusal(request: &HttpRequest, allow: &HeaderValue, unknown: fn(UnknownParameters) -> Error) -> Error {
    match request.extensions_mut().remove::<UnknownParameters>() {
        Some(found) => unknown(found),
        None => Problem::method_not_allowed(allow.clone()).into(),
    }
}

/// A request that fits no address.
async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Code::NotFound.into())
}
