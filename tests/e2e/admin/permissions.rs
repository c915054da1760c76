//! Every admin route needs exactly the permission that it declares.

use crate::routes::{self, Route};
use auth_api::http::route::Access;
use auth_domain::role::Permission;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tests::{Builder, TestApp, User, on_every_backend};

/// Every registered route that needs a permission, with that permission.
fn guarded(app: &TestApp) -> Vec<(Route, Permission)> {
    let all = routes::all(app).into_iter();
    all.filter_map(|route| match route.access() {
        Access::Permission(permission) => Some((route, permission)),
        _ => None,
    })
    .collect()
}

fn name_of(permission: Permission) -> String {
    permission.as_str().replace(':', "_")
}

/// A server with two roles for each permission: one with only this permission, and one with all the others.
async fn with_roles(backend: tests::Backend) -> TestApp {
    let mut builder = routes::on_every_listener(backend);
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
        let routes = guarded(&app);
        assert!(routes.len() >= 17, "{}", routes.len());
        let opening: BTreeSet<Permission> = routes.iter().map(|(_, permission)| *permission).collect();
        assert_eq!(opening, BTreeSet::from(Permission::ALL), "every permission opens a route");
        for (route, permission) in &routes {
            let (only, not) = holders.get(permission.as_str()).unwrap();
            let refused = route.call(&not.client).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "{}", route.name());
            let let_in = route.call(&only.client).await;
            assert!(![401, 403].contains(&let_in.status), "{}: {}", route.name(), let_in.text);
        }
    }

    async fn anonymous_callers_users_and_disabled_accounts_reach_no_admin_route(backend) {
        let app = routes::on_every_listener(backend).start().await;
        let (user, viewer, root) = (app.user("ada").await, app.user_of_role("vic", "viewer").await, app.admin("root").await);
        let gone = app.admin("gone").await;
        let path = format!("/admin/users/{}", gone.id);
        root.client.patch(&path, &json!({ "status": "disabled" })).await.expect(200);
        for (route, permission) in guarded(&app) {
            let said = route.name();
            assert_eq!(route.call(&app.anonymous()).await.status, 401, "{said}");
            assert_eq!(route.call(&app.anonymous().with_bearer("a.b.c")).await.status, 401, "{said}");
            assert_eq!(route.call(&gone.client).await.status, 401, "{said}");
            assert_eq!(route.call(&user.client).await.status, 403, "{said}");
            let reads = permission.as_str().ends_with(":read");
            assert_eq!(route.call(&viewer.client).await.status == 403, !reads, "{said}");
        }
    }

    async fn a_change_of_role_affects_tokens_already_issued(backend) {
        let app = TestApp::start(backend).await;
        let (root, vic) = (app.admin("root").await, app.user_of_role("vic", "viewer").await);
        vic.client.get("/admin/users").await.expect(200);
        let path = format!("/admin/users/{}", vic.id);
        root.client.patch(&path, &json!({ "role": "user" })).await.expect(200);
        vic.client.get("/admin/users").await.expect(401);
        let answer = app.refresh(&vic.refresh).await.expect(200);
        app.signed_in(&vic.email, &answer).client.get("/admin/users").await.expect(403);
    }

    async fn a_role_that_is_no_longer_configured_grants_nothing(backend) {
        let app = Builder::new(backend).set("roles.support", r#"["users:read"]"#).start().await;
        let sue = app.user_of_role("sue", "support").await;
        sue.client.get("/admin/users").await.expect(200);
        let app = app.without("roles.support").await;
        app.anonymous().with_bearer(&sue.access).get("/admin/users").await.expect(403);
    }
}
