//! Every registered route admits the callers that it declares, and no others. The tests walk the routes of every listener, so they also
//! cover routes that the OpenAPI document leaves out and routes for operators.

use auth_api::{
    ServerConfig,
    app::routes::Listener,
    http::route::{Access, Operation, operation::Location},
    pages,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Answer, Backend, Browser, Builder, Client, TestApp, on_every_backend};

/// A route of a server, and the origin of the listener that serves it.
pub(crate) struct Route {
    operation: Operation,
    listener: Listener,
    origin: String,
}

/// A server with the default settings and every listener.
pub(crate) fn on_every_listener(backend: Backend) -> Builder {
    Builder::new(backend).set("server.admin_bind", "127.0.0.1:0")
}

/// The declarations of every route.
fn operations() -> impl Iterator<Item = (Listener, Operation)> {
    Listener::ALL.into_iter().flat_map(|listener| {
        let table = listener.routes(&ServerConfig::default());
        table
            .operations()
            .into_iter()
            .map(move |operation| (listener, operation))
    })
}

/// Every route of a server that listens everywhere.
pub(crate) fn all(app: &TestApp) -> Vec<Route> {
    let served = |(listener, operation)| {
        let origin = app.origin_of(listener);
        Route {
            operation,
            listener,
            origin: origin.unwrap_or_else(|| panic!("it does not listen for {listener:?}")),
        }
    };
    operations().map(served).collect()
}

fn name(operation: &Operation) -> String {
    format!("{} {}", operation.method(), operation.path())
}

impl Route {
    pub(crate) fn access(&self) -> Access {
        self.operation.access()
    }

    pub(crate) fn operation(&self) -> &Operation {
        &self.operation
    }

    pub(crate) fn name(&self) -> String {
        name(&self.operation)
    }

    /// A request to it, with ids that do not exist.
    pub(crate) fn request(&self, client: &Client, query: &str) -> RequestBuilder {
        let path = of_nothing(self.operation.path());
        let below = path.strip_prefix("/api/v1").unwrap_or(&path);
        let below = below.strip_prefix("/auth").unwrap_or(below);
        client
            .at(&self.origin)
            .request(method_of(&self.operation), &format!("{below}{query}"))
    }

    /// Calls it with a body that no route accepts, so that nothing changes if the caller is admitted.
    pub(crate) async fn call(&self, client: &Client) -> Answer {
        let request = self.request(client, "");
        client.send(self.with_some_body(request)).await
    }

    fn with_some_body(&self, request: RequestBuilder) -> RequestBuilder {
        match self.operation.body() {
            Some(body) if body.media_type != "application/json" => request.form(&[("token", "none")]),
            Some(body) if body.is_required => request.json(&json!({ "no such field": Value::Null })),
            _ => request,
        }
    }

    async fn call_as(&self, client: &Client, (id, secret): (&str, &str)) -> Answer {
        let request = self.request(client, "").basic_auth(id, Some(secret));
        client.send(self.with_some_body(request)).await
    }
}

/// A path with ids that do not exist.
fn of_nothing(pattern: &str) -> String {
    let mut path = pattern.to_owned();
    while let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
        path.replace_range(start..=end, "018f3f5e-7c1a-7a30-8d2e-0123456789ab");
    }
    path
}

fn method_of(operation: &Operation) -> Method {
    Method::from_bytes(operation.method().as_str().as_bytes()).unwrap()
}

#[test]
fn the_walk_meets_the_routes_of_every_listener() {
    let names: BTreeSet<String> = operations().map(|(_, operation)| name(&operation)).collect();
    for met in [
        "POST /api/v1/auth/login",
        "GET /api/v1/admin/users",
        "GET /.well-known/jwks.json",
        "GET /health/ready",
        "GET /openapi.json",
        "GET /docs/{file}",
        "GET /metrics",
        "GET /version",
    ] {
        assert!(names.contains(met), "{met}");
    }
}

#[test]
fn the_parameters_of_a_path_are_those_that_the_route_declares() {
    for (_, operation) in operations() {
        let named: BTreeSet<&str> = operation
            .path()
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let declared = operation.parameters().iter();
        let declared: BTreeSet<&str> = declared
            .filter(|parameter| parameter.location == Location::Path)
            .map(|parameter| parameter.name)
            .collect();
        // The parameters of a route are declared for the readers of the document.
        if operation.id().is_some() {
            assert_eq!(named, declared, "{}", name(&operation));
        }
    }
}

#[test]
fn no_method_of_a_path_is_declared_twice() {
    let mut seen = BTreeSet::new();
    for (_, operation) in operations() {
        assert!(seen.insert(name(&operation)), "{}", name(&operation));
    }
    assert!(seen.len() >= 50, "{}", seen.len());
}

#[test]
fn what_lies_below_the_path_of_administrators_names_a_permission_and_nothing_else_does() {
    for (_, operation) in operations() {
        let is_admin = operation.path().starts_with("/api/v1/admin/");
        let names_one = matches!(operation.access(), Access::Permission(_));
        assert_eq!(is_admin, names_one, "{}", name(&operation));
    }
}

on_every_backend! {
    async fn a_route_admits_the_callers_that_it_declares(backend) {
        let app = on_every_listener(backend).start().await;
        let (stranger, ada) = (app.anonymous(), app.user("ada").await);
        let forged = stranger.with_bearer("a.b.c");
        let key = ada.client.post("/api-keys", &json!({ "name": "script" })).await.expect(201).field("key");
        let script = stranger.with_bearer(&key);
        let (id, secret) = app.service().admin().create_client("billing", &app.operator()).await.unwrap();
        let (id, secret) = (id.to_string(), secrecy::ExposeSecret::expose_secret(&secret).to_owned());
        for route in all(&app) {
            let said = route.name();
            let anonymous = route.call(&stranger).await;
            match route.access() {
                Access::Anonymous => {
                    assert!(![401, 403, 405].contains(&anonymous.status), "{said}: {}", anonymous.text);
                    assert!(anonymous.status != 404 || route.operation().path().contains('{'), "{said}: {}", anonymous.text);
                }
                Access::UserIfSent => {
                    let request = route.request(&forged, "").json(&json!({ "token": "none" }));
                    let request = if route.operation().requires_body() { request } else { route.request(&forged, "") };
                    assert_eq!(forged.send(request).await.status, 401, "{said}");
                }
                Access::User => {
                    for client in [&stranger, &forged, &script] {
                        assert_eq!(route.call(client).await.status, 401, "{said}");
                    }
                }
                Access::Bearer => {
                    assert_eq!((anonymous.status, route.call(&forged).await.status), (401, 401), "{said}");
                    assert_ne!(route.call(&script).await.status, 401, "{said}");
                }
                Access::Permission(_) => {
                    assert_eq!((anonymous.status, route.call(&forged).await.status), (401, 401), "{said}");
                    for client in [&ada.client, &script] {
                        assert_eq!(route.call(client).await.status, 403, "{said}");
                    }
                }
                Access::Client => {
                    assert_eq!((anonymous.status, route.call(&ada.client).await.status), (401, 401), "{said}");
                    assert_eq!(route.call_as(&stranger, (&id, "wrong")).await.status, 401, "{said}");
                    assert_eq!(route.call_as(&stranger, (&id, &secret)).await.status, 200, "{said}");
                }
                Access::ClientIfSent => {
                    assert_eq!(anonymous.status, 400, "{said}");
                    assert_eq!(route.call_as(&stranger, (&id, "wrong")).await.status, 401, "{said}");
                }
            }
        }
    }

    async fn a_route_is_served_by_its_own_listener_alone(backend) {
        let app = on_every_listener(backend).start().await;
        for route in all(&app) {
            for other in Listener::ALL.into_iter().filter(|other| *other != route.listener) {
                let elsewhere = Route { origin: app.origin_of(other).unwrap(), operation: route.operation.clone(), ..route };
                let request = elsewhere.request(&app.anonymous(), "");
                assert_eq!(request.send().await.unwrap().status(), 404, "{} for {other:?}", elsewhere.name());
            }
        }
    }

    async fn a_page_admits_the_callers_that_it_declares(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let user = app.browser_of("ada@example.com").await;
        let declared: Vec<Operation> = pages::declared("").iter().flat_map(|page| page.operations().cloned().collect::<Vec<_>>()).collect();
        for operation in &declared {
            let (said, path) = (name(operation), of_nothing(operation.path()));
            // A form without its token, so that nothing changes if the caller is admitted.
            let called_by = |browser: &Browser| {
                let request = browser.request(method_of(operation), &path);
                if operation.method() == "POST" { request.header("origin", &browser.form_origin).form(&[("none", "")]) } else { request }
            };
            let (mut stranger, mut user) = (app.browser(), user.clone());
            let anonymous = stranger.take(called_by(&stranger)).await;
            let is_asked_to_sign_in = anonymous.header("location").is_some_and(|place| place.starts_with("/login?return_to="));
            assert_eq!(is_asked_to_sign_in, operation.access() != Access::Anonymous, "{said}: {}", anonymous.status);
            let signed_in = user.take(called_by(&user)).await;
            let is_forbidden = signed_in.text.contains("<h1>Forbidden</h1>");
            assert_eq!(is_forbidden, matches!(operation.access(), Access::Permission(_)), "{said}: {}", signed_in.status);
        }
        assert!(declared.len() >= 45, "{}", declared.len());
    }
}
