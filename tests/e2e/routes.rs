//! Every registered route lets in the callers that it declares, and no others. The walk goes over the routes themselves, so a route that the
//! document leaves out does not escape it.

use auth_api::{
    ServerConfig,
    app::routes,
    http::route::{Access, Operation, operation::Place},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Answer, Client, TestApp, on_every_backend};

/// A route that clients can reach.
pub(crate) struct Route(Operation);

/// All of them, as a server of the shipped settings has them.
pub(crate) fn all() -> Vec<Route> {
    let table = routes::of_clients(&ServerConfig::default());
    table.operations().into_iter().map(Route).collect()
}

impl Route {
    pub(crate) fn access(&self) -> Access {
        self.0.access()
    }

    pub(crate) fn operation(&self) -> &Operation {
        &self.0
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.0.method(), self.0.path())
    }

    /// A request to it, about a user and things that do not exist.
    pub(crate) fn request(&self, client: &Client, query: &str) -> RequestBuilder {
        let mut path = self.0.path().to_owned();
        while let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
            path.replace_range(start..=end, "018f3f5e-7c1a-7a30-8d2e-0123456789ab");
        }
        let below = path.strip_prefix("/api/v1").unwrap_or(&path);
        let below = below.strip_prefix("/auth").unwrap_or(below);
        let method = Method::from_bytes(self.0.method().as_str().as_bytes()).unwrap();
        client.request(method, &format!("{below}{query}"))
    }

    /// Calls it with a body that fits no route, so that nothing is done where the caller is let in.
    pub(crate) async fn call(&self, client: &Client) -> Answer {
        let request = self.request(client, "");
        client.send(self.with_some_body(request)).await
    }

    fn with_some_body(&self, request: RequestBuilder) -> RequestBuilder {
        match self.0.body() {
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

#[test]
fn the_parameters_of_a_path_are_those_that_the_route_declares() {
    for route in all() {
        let path = route.operation().path();
        let named: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let declared = route.operation().parameters().iter();
        let declared: BTreeSet<&str> = declared
            .filter(|parameter| parameter.place == Place::Path)
            .map(|parameter| parameter.name)
            .collect();
        // The parameters of a route are declared for the readers of the document.
        if route.operation().id().is_some() {
            assert_eq!(named, declared, "{}", route.name());
        }
    }
}

#[test]
fn no_method_of_an_address_is_declared_twice() {
    let mut seen = BTreeSet::new();
    for route in all() {
        assert!(seen.insert(route.name()), "{}", route.name());
    }
    assert!(seen.len() >= 50, "{}", seen.len());
}

#[test]
fn what_lies_below_the_path_of_administrators_names_a_permission_and_nothing_else_does() {
    for route in all() {
        let is_admin = route.operation().path().starts_with("/api/v1/admin/");
        let names_one = matches!(route.access(), Access::Permission(_));
        assert_eq!(is_admin, names_one, "{}", route.name());
    }
}

on_every_backend! {
    async fn a_route_lets_in_whom_it_declares(backend) {
        let app = TestApp::start(backend).await;
        let (stranger, ada) = (app.anonymous(), app.user("ada").await);
        let forged = stranger.with_bearer("a.b.c");
        let key = ada.client.post("/api-keys", &json!({ "name": "script" })).await.expect(201).field("key");
        let script = stranger.with_bearer(&key);
        let (id, secret) = app.service().admin().create_client("billing", &app.operator()).await.unwrap();
        let (id, secret) = (id.to_string(), secrecy::ExposeSecret::expose_secret(&secret).to_owned());
        for route in all() {
            let said = route.name();
            let anonymous = route.call(&stranger).await;
            match route.access() {
                Access::Anonymous => assert!(![401, 403].contains(&anonymous.status), "{said}: {}", anonymous.text),
                Access::UserIfSent => {
                    let request = route.request(&forged, "").json(&json!({ "token": "none" }));
                    let request = if route.operation().needs_body() { request } else { route.request(&forged, "") };
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

    async fn what_is_for_operators_is_not_where_clients_are(backend) {
        let app = TestApp::start(backend).await;
        for operation in routes::of_operators().operations() {
            assert_eq!(Route(operation).call(&app.anonymous()).await.status, 404);
        }
    }
}
