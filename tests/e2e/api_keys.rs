//! `GET|POST /api-keys`, `DELETE /api-keys/{id}`, and which routes an API key opens.

use auth_domain::time::Span;
use serde_json::{Value, json};
use tests::{TestApp, User, on_every_backend};

async fn make(owner: &User, body: &Value) -> (String, String) {
    let made = owner.client.post("/api-keys", body).await.expect(201).json();
    (
        made["key"].as_str().unwrap().to_owned(),
        made["api_key"]["id"].as_str().unwrap().to_owned(),
    )
}

on_every_backend! {
    async fn an_api_key_identifies_its_owner_until_it_is_revoked(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let (key, id) = make(&ada, &json!({ "name": "backup" })).await;
        assert!(key.starts_with("kw_") && key.len() == 46, "{}", key.len());
        let script = app.anonymous().with_bearer(&key);
        assert_eq!(script.get("/me").await.expect(200).json()["email"], "ada@example.com");
        let who = script.get("/verify").await.expect(204);
        assert_eq!(who.header("x-auth-user"), Some(ada.id.as_str()));
        assert_eq!((who.header("x-auth-session"), who.header("x-auth-role")), (None, None), "a key has neither");
        script.get("/verify?role=user").await.expect(403);
        script.get("/admin/users").await.expect(403);

        let listed = ada.client.get("/api-keys").await.expect(200);
        assert!(!listed.text.contains(&key), "it is shown once");
        assert_eq!(listed.json()["items"][0]["name"], "backup");
        assert!(listed.json()["items"][0]["last_used_at"].is_string());
        ada.client.delete(&format!("/api-keys/{id}")).await.expect(204);
        ada.client.delete(&format!("/api-keys/{id}")).await.expect(404);
        assert_eq!(script.get("/me").await.expect(401).code(), "invalid_token");
    }

    async fn a_key_changes_no_credential(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let (key, id) = make(&ada, &json!({ "name": "backup" })).await;
        let script = app.anonymous().with_bearer(&key);
        for path in ["/logout", "/logout-all", "/email/verification"] {
            script.post_nothing(path).await.expect(401);
        }
        script.post("/api-keys", &json!({ "name": "another" })).await.expect(401);
        script.delete(&format!("/api-keys/{id}")).await.expect(401);
        script.patch("/me", &json!({ "name": "x" })).await.expect(401);
        script.get("/sessions").await.expect(401);
        script.get("/me/export").await.expect(401);
        for path in ["/refresh", "/logout"] {
            app.anonymous().post(path, &json!({ "refresh_token": key })).await.expect(401);
        }
    }

    async fn a_key_does_what_its_permissions_say_and_never_more_than_its_owner_may(backend) {
        let app = TestApp::start(backend).await;
        let (root, vic, ada) = (app.admin("root").await, app.user_of_role("vic", "viewer").await, app.user("ada").await);
        let wanted = json!({ "name": "report", "permissions": ["users:read"] });
        assert_eq!(ada.client.post("/api-keys", &wanted).await.expect(403).code(), "permission_not_held");
        let more = json!({ "name": "report", "permissions": ["users:write"] });
        assert_eq!(vic.client.post("/api-keys", &more).await.expect(403).code(), "permission_not_held");
        let (key, _) = make(&vic, &wanted).await;
        let script = app.anonymous().with_bearer(&key);
        script.get("/admin/users").await.expect(200);
        script.get("/admin/audit").await.expect(403);
        // When the owner is demoted, their keys can do less at once; when promoted, no more than they were created for.
        let path = format!("/admin/users/{}", vic.id);
        root.client.patch(&path, &json!({ "role": "user" })).await.expect(200);
        script.get("/admin/users").await.expect(403);
        root.client.patch(&path, &json!({ "role": "admin" })).await.expect(200);
        script.get("/admin/users").await.expect(200);
        script.post("/admin/users", &json!({ "email": "x@example.com" })).await.expect(403);
        root.client.patch(&path, &json!({ "role": "user" })).await.expect(200);
        root.client.patch(&path, &json!({ "status": "disabled" })).await.expect(200);
        script.get("/me").await.expect(401);
    }

    async fn a_key_expires(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let at = |span: Span| (app.operator().now + span).to_rfc3339();
        let past = json!({ "name": "late", "expires_at": at(-Span::seconds(1)) });
        ada.client.post("/api-keys", &past).await.expect(422);
        let (key, _) = make(&ada, &json!({ "name": "soon", "expires_at": at(Span::minutes(5)) })).await;
        let script = app.anonymous().with_bearer(&key);
        app.clock.advance(Span::minutes(5) - Span::seconds(1));
        script.get("/me").await.expect(200);
        app.clock.advance(Span::seconds(1));
        assert_eq!(script.get("/me").await.expect(401).code(), "token_expired");
    }

    async fn a_bearer_token_that_is_no_api_key_is_refused(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        for text in ["kw_", "kw_x", &format!("kw_{}", "A".repeat(43)), &format!("kw_{}", "A".repeat(4000))] {
            assert_eq!(app.anonymous().with_bearer(text).get("/me").await.expect(401).code(), "invalid_token");
        }
        let refused = [
            json!({}), json!({ "name": "" }), json!({ "name": "a\u{202E}b" }), json!({ "name": "a", "permissions": ["users:*"] }),
            json!({ "name": "a", "permissions": "users:read" }), json!({ "name": "a", "expires_at": "tomorrow" }),
            json!({ "name": "a", "owner": "x" }),
        ];
        for body in refused {
            ada.client.post("/api-keys", &body).await.expect(422);
        }
    }

    async fn only_administrators_reach_the_api_keys_of_other_users(backend) {
        let app = TestApp::start(backend).await;
        let (root, ada, eve) = (app.admin("root").await, app.user("ada").await, app.user("eve").await);
        let (key, id) = make(&ada, &json!({ "name": "backup" })).await;
        eve.client.delete(&format!("/api-keys/{id}")).await.expect(404);
        app.anonymous().with_bearer(&key).get("/me").await.expect(200);
        let path = format!("/admin/users/{}/api-keys", ada.id);
        assert_eq!(root.client.get(&path).await.expect(200).json()["items"][0]["id"], id.as_str());
        root.client.delete(&format!("/admin/users/{}/api-keys/{id}", eve.id)).await.expect(404);
        root.client.delete(&format!("{path}/{id}")).await.expect(204);
        app.anonymous().with_bearer(&key).get("/me").await.expect(401);
        let made = root.client.post(&path, &json!({ "name": "by root" })).await.expect(201).field("key");
        assert_eq!(app.anonymous().with_bearer(&made).get("/me").await.expect(200).json()["email"], "ada@example.com");
    }
}
