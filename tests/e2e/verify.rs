//! `GET /verify`, for reverse proxies such as nginx.

use auth_domain::time::Span;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tests::{Backend, Builder, TestApp, User, on_every_backend};

/// What an access token says about its user's email address.
fn claimed(access: &str) -> Value {
    let claims = access.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["email_verified"].clone()
}

/// A user whose unconfirmed address is not forwarded to the application, and one whose address is confirmed.
async fn unconfirmed_and_confirmed(app: &TestApp) -> (User, User) {
    (app.user("ada").await, app.user_of_role("boss", "user").await)
}

async fn hs256(backend: Backend) -> TestApp {
    Builder::new(backend)
        .set("tokens.algorithm", "HS256")
        .set(
            "tokens.secret",
            "a shared secret of the older services, 32 bytes and more",
        )
        .start()
        .await
}

on_every_backend! {
    async fn a_good_token_names_its_user_in_headers_without_a_body(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user_of_role("ada", "user").await;
        let answer = ada.client.get("/verify").await.expect(204);
        assert!(answer.text.is_empty());
        assert_eq!(answer.header("x-auth-user"), Some(ada.id.as_str()));
        assert_eq!(answer.header("x-auth-email"), Some("ada@example.com"));
        assert_eq!(answer.header("x-auth-email-verified"), Some("true"));
        assert_eq!(answer.header("x-auth-role"), Some("user"));
        assert!(answer.header("x-auth-session").is_some());
    }

    /// Registering with another user's address opens nothing at an application that identifies users by address.
    async fn an_unconfirmed_address_is_no_identity(backend) {
        for app in [TestApp::start(backend).await, hs256(backend).await] {
            let (ada, boss) = unconfirmed_and_confirmed(&app).await;
            assert_eq!((claimed(&ada.access), claimed(&boss.access)), (json!(false), json!(true)));
            let answer = ada.client.get("/verify").await.expect(204);
            assert_eq!((answer.header("x-auth-email"), answer.header("x-auth-email-verified")), (None, Some("false")));
            assert_eq!(answer.header("x-auth-user"), Some(ada.id.as_str()), "the id says who it is");
            let answer = boss.client.get("/verify").await.expect(204);
            assert_eq!((answer.header("x-auth-email"), answer.header("x-auth-email-verified")), (Some("boss@example.com"), Some("true")));
        }
    }

    async fn an_operator_may_have_every_address_forwarded_with_its_mark(backend) {
        let app = Builder::new(backend).set("server.forward_unverified_email", "true").start().await;
        let ada = app.user("ada").await;
        let answer = ada.client.get("/verify").await.expect(204);
        assert_eq!((answer.header("x-auth-email"), answer.header("x-auth-email-verified")), (Some("ada@example.com"), Some("false")));
    }

    async fn an_api_key_speaks_for_its_owners_address_only_while_that_is_confirmed(backend) {
        let app = TestApp::start(backend).await;
        let (ada, boss) = unconfirmed_and_confirmed(&app).await;
        for (user, expected) in [(ada, None), (boss, Some("boss@example.com"))] {
            let key = user.client.post("/api-keys", &json!({ "name": "backup" })).await.expect(201).field("key");
            let answer = app.anonymous().with_bearer(&key).get("/verify").await.expect(204);
            assert_eq!(answer.header("x-auth-email"), expected);
        }
    }

    async fn introspection_says_whether_the_address_is_confirmed(backend) {
        let app = TestApp::start(backend).await;
        let (id, secret) = app.service().admin().create_client("billing", &app.operator()).await.unwrap();
        let (ada, boss) = unconfirmed_and_confirmed(&app).await;
        for (token, expected) in [(&ada.access, false), (&ada.refresh, false), (&boss.access, true), (&boss.refresh, true)] {
            let request = app.anonymous().request(Method::POST, "/introspect").basic_auth(id.to_string(), Some(secret.expose_secret()));
            let answer = app.anonymous().send(request.form(&[("token", token.as_str())])).await.expect(200);
            assert_eq!((answer.json()["active"].clone(), answer.json()["email_verified"].clone()), (json!(true), json!(expected)));
        }
    }

    /// A withdrawn verification takes effect at once: tokens that state it are revoked, and the session continues with the new value.
    async fn withdrawing_a_verification_revokes_the_tokens_that_state_it(backend) {
        for app in [TestApp::start(backend).await, hs256(backend).await] {
            let (root, boss) = (app.admin("root").await, app.user_of_role("boss", "user").await);
            let change = async |verified: bool| {
                let path = format!("/admin/users/{}", boss.id);
                root.client.patch(&path, &json!({ "email_verified": verified })).await.expect(200)
            };
            app.clock.advance(Span::seconds(1));
            assert_eq!(change(false).await.json()["email_verified"], false);
            assert_eq!(boss.client.get("/verify").await.expect(401).code(), "all_sessions_revoked");
            let next = app.refresh(&boss.refresh).await.expect(200);
            assert_eq!(claimed(&next.field("access_token")), json!(false));
            let unconfirmed = app.anonymous().with_bearer(&next.field("access_token"));
            assert_eq!(unconfirmed.get("/verify").await.expect(204).header("x-auth-email"), None);
            // A new verification is stated from the next refresh on. The earlier token stays valid, and does not state it.
            change(true).await;
            assert_eq!(unconfirmed.get("/verify").await.expect(204).header("x-auth-email"), None);
            let last = app.refresh(&next.field("refresh_token")).await.expect(200);
            assert_eq!(claimed(&last.field("access_token")), json!(true));
        }
    }

    async fn a_role_may_be_demanded(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        ada.client.get("/verify?role=user").await.expect(204);
        assert_eq!(ada.client.get("/verify?role=admin").await.expect(403).code(), "forbidden");
    }

    async fn a_misspelt_condition_admits_no_user(backend) {
        let app = TestApp::start(backend).await;
        let (ada, root) = (app.user("ada").await, app.admin("root").await);
        for query in ["roles=admin", "Role=admin", "permission=users:write", "role=user&x=1", "role=%ff", "%ff=1"] {
            for user in [&ada, &root] {
                let answer = user.client.get(&format!("/verify?{query}")).await.expect(422);
                assert_eq!(answer.code(), "unknown_parameter", "{query}");
            }
        }
    }

    async fn without_a_token_there_is_a_challenge_and_no_error(backend) {
        let app = TestApp::start(backend).await;
        let answer = app.anonymous().get("/verify").await.expect(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer") && !challenge.contains("error"), "{challenge}");
    }
}
