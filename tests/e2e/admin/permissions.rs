//! Every admin route needs the one permission that it names, and no other opens it.

use auth_domain::role::Permission;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{Answer, Builder, Client, TestApp, User, on_every_backend};

/// An operation below the admin path, as the server describes it.
struct Route {
    method: Method,
    path: String,
    permission: String,
    takes_body: bool,
}

async fn routes(app: &TestApp) -> Vec<Route> {
    let document = app.anonymous().get("/openapi.json").await.expect(200).json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(below) = path.strip_prefix("/api/v1") else {
            continue;
        };
        if !below.starts_with("/admin/") {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let permission = operation["x-permission"].as_str();
            found.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: below.to_owned(),
                permission: permission
                    .unwrap_or_else(|| panic!("{method} {path} names no permission"))
                    .to_owned(),
                takes_body: operation["requestBody"]["required"] == true,
            });
        }
    }
    found
}

impl Route {
    /// Calls it about somebody who does not exist, so that nothing is done where it is let through.
    async fn call(&self, client: &Client) -> Answer {
        let nobody = "018f3f5e-7c1a-7a30-8d2e-0123456789ab";
        let path = ["{id}", "{session}", "{key}"]
            .iter()
            .fold(self.path.clone(), |path, name| path.replace(name, nobody));
        let mut request = client.request(self.method.clone(), &path);
        if self.takes_body {
            request = request.json(&json!({ "no such field": Value::Null }));
        }
        client.send(request).await
    }
}

fn name_of(permission: Permission) -> String {
    permission.as_str().replace(':', "_")
}

/// A server that has a role for each permission alone, and one for all but it.
async fn with_roles(backend: tests::Backend) -> TestApp {
    let mut builder = Builder::new(backend);
    for permission in Permission::ALL {
        let others = Permission::ALL.into_iter().filter(|other| *other != permission);
        let others: Vec<String> = others.map(|other| format!("{:?}", other.as_str())).collect();
        let name = name_of(permission);
        builder = builder
            .set(
                &format!("roles.only_{name}"),
                &format!("[{:?}]", permission.as_str()),
            )
            .set(&format!("roles.not_{name}"), &format!("[{}]", others.join(", ")));
    }
    builder.start().await
}

on_every_backend! {
    async fn a_route_opens_to_its_permission_alone(backend) {
        let app = with_roles(backend).await;
        let mut holders: BTreeMap<String, (User, User)> = BTreeMap::new();
        for permission in Permission::ALL {
            let name = name_of(permission);
            let only = app.user_of_role(&format!("only_{name}"), &format!("only_{name}")).await;
            let not = app.user_of_role(&format!("not_{name}"), &format!("not_{name}")).await;
            holders.insert(permission.as_str().to_owned(), (only, not));
        }
        let routes = routes(&app).await;
        assert!(routes.len() >= 17, "{}", routes.len());
        for route in &routes {
            let (only, not) = holders.get(&route.permission).unwrap();
            let refused = route.call(&not.client).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "{} {}", route.method, route.path);
            let let_in = route.call(&only.client).await;
            assert!(![401, 403].contains(&let_in.status), "{} {}: {}", route.method, route.path, let_in.text);
        }
    }

    async fn strangers_users_and_the_disabled_get_nowhere(backend) {
        let app = TestApp::start(backend).await;
        let (user, viewer, root) = (app.user("ada").await, app.user_of_role("vic", "viewer").await, app.admin("root").await);
        let gone = app.admin("gone").await;
        let path = format!("/admin/users/{}", gone.id);
        root.client.patch(&path, &json!({ "status": "disabled" })).await.expect(200);
        for route in routes(&app).await {
            let said = format!("{} {}", route.method, route.path);
            assert_eq!(route.call(&app.anonymous()).await.status, 401, "{said}");
            assert_eq!(route.call(&app.anonymous().with_bearer("a.b.c")).await.status, 401, "{said}");
            assert_eq!(route.call(&gone.client).await.status, 401, "{said}");
            assert_eq!(route.call(&user.client).await.status, 403, "{said}");
            let reads = route.permission.ends_with(":read");
            assert_eq!(route.call(&viewer.client).await.status == 403, !reads, "{said}");
        }
    }

    async fn a_change_of_role_acts_on_the_tokens_that_are_out(backend) {
        let app = TestApp::start(backend).await;
        let (root, vic) = (app.admin("root").await, app.user_of_role("vic", "viewer").await);
        vic.client.get("/admin/users").await.expect(200);
        let path = format!("/admin/users/{}", vic.id);
        root.client.patch(&path, &json!({ "role": "user" })).await.expect(200);
        vic.client.get("/admin/users").await.expect(401);
        let answer = app.refresh(&vic.refresh).await.expect(200);
        app.signed_in(&vic.email, &answer).client.get("/admin/users").await.expect(403);
    }

    async fn a_role_that_is_not_configured_any_more_holds_nothing(backend) {
        let app = Builder::new(backend).set("roles.support", r#"["users:read"]"#).start().await;
        let sue = app.user_of_role("sue", "support").await;
        sue.client.get("/admin/users").await.expect(200);
        let app = app.without("roles.support").await;
        app.anonymous().with_bearer(&sue.access).get("/admin/users").await.expect(403);
    }
}
