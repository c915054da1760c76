//! `POST /token`, `/introspect`, `/revoke` (RFC 6749, RFC 7662, RFC 7009).

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use tests::{Answer, Builder, PASSWORD, TestApp, on_every_backend};

/// A registered client's id and secret, as `keyward client create` gives them.
async fn client_of(app: &TestApp, name: &str) -> (String, String) {
    let service = app.running().service();
    let (id, secret) = service
        .admin()
        .create_client(name, &app.operator())
        .await
        .unwrap();
    (id.to_string(), secret.expose_secret().to_owned())
}

async fn ask(app: &TestApp, path: &str, client: &(String, String), token: &str) -> Answer {
    let anonymous = app.anonymous();
    let request = anonymous
        .request(Method::POST, path)
        .basic_auth(&client.0, Some(&client.1))
        .form(&[("token", token)]);
    anonymous.send(request).await
}

fn error(answer: &Answer) -> String {
    answer.field("error")
}

on_every_backend! {
    /// Nodes that can read the row of the key accept the token, so an answer of 200 would not be true (RFC 7009 §2.2.1).
    async fn a_node_that_cannot_read_a_tokens_key_does_not_answer_that_it_revoked_the_token(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        app.database.sql("UPDATE signing_keys SET state = 'asleep' WHERE state = 'active'");
        let app = app.restarted().await;
        let billing = client_of(&app, "billing").await;
        ask(&app, "/revoke", &billing, &ada.access).await.expect(503);
        ask(&app, "/revoke", &billing, "garbage").await.expect(200);
        let bob = app.user("bob").await;
        ask(&app, "/revoke", &billing, &bob.access).await.expect(200);
        bob.client.get("/me").await.expect(401);
    }

    async fn the_older_clients_sign_in_with_a_form(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let fields = [("grant_type", "password"), ("username", "ada@example.com"), ("password", PASSWORD)];
        let answer = app.anonymous().form("/token", &fields).await.expect(200);
        assert_eq!(answer.json()["token_type"].as_str().unwrap().to_lowercase(), "bearer");
        assert!(answer.json()["expires_in"].is_i64());
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &answer.field("refresh_token"))];
        let refreshed = app.anonymous().form("/token", &fields).await.expect(200);
        assert_ne!(refreshed.field("access_token"), answer.field("access_token"));
        let again = app.anonymous().form("/token", &fields).await.expect(400);
        assert_eq!(error(&again), "invalid_grant");
        let widened = [("grant_type", "refresh_token"), ("refresh_token", ada.refresh.as_str()), ("scope", "admin")];
        assert_eq!(error(&app.anonymous().form("/token", &widened).await.expect(400)), "invalid_scope");
    }

    async fn the_token_endpoint_refuses_with_the_error_codes_of_rfc_6749(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[], "invalid_request"),
            (&[("grant_type", "password")], "invalid_request"),
            (&[("grant_type", "client_credentials")], "unsupported_grant_type"),
            (&[("grant_type", "password"), ("username", "ada@example.com"), ("password", "wrong password")], "invalid_grant"),
            (&[("grant_type", "refresh_token"), ("refresh_token", "x.y.z")], "invalid_grant"),
            (&[("grant_type", "password"), ("grant_type", "password"), ("username", "a"), ("password", "b")], "invalid_request"),
        ];
        for (fields, expected) in cases {
            let answer = app.anonymous().form("/token", fields).await.expect(400);
            assert_eq!(error(&answer), expected, "{fields:?}");
        }
        let answer = app.anonymous().post("/token", &json!({ "grant_type": "password" })).await.expect(400);
        assert_eq!(error(&answer), "invalid_request");
    }

    async fn the_password_grant_can_be_turned_off(backend) {
        let app = Builder::new(backend).set("oauth.password_grant", "false").start().await;
        app.user("ada").await;
        let fields = [("grant_type", "password"), ("username", "ada@example.com"), ("password", PASSWORD)];
        let answer = app.anonymous().form("/token", &fields).await.expect(400);
        assert_eq!(error(&answer), "unsupported_grant_type");
    }

    async fn introspection_tells_a_registered_client_whether_a_token_is_active(backend) {
        let app = TestApp::start(backend).await;
        let billing = client_of(&app, "billing").await;
        let ada = app.user("ada").await;
        let access = ask(&app, "/introspect", &billing, &ada.access).await.expect(200).json();
        assert_eq!((access["active"].as_bool(), access["sub"].as_str()), (Some(true), Some(ada.id.as_str())));
        assert!(access.as_object().unwrap().values().all(|value| !value.is_null()));
        let refresh = ask(&app, "/introspect", &billing, &ada.refresh).await.expect(200).json();
        assert_eq!((refresh["active"].as_bool(), refresh["sub"].as_str()), (Some(true), Some(ada.id.as_str())));
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        let inactive = json!({ "active": false });
        assert_eq!(ask(&app, "/introspect", &billing, &ada.refresh).await.expect(200).json(), inactive, "used");
        assert_eq!(ask(&app, "/introspect", &billing, &next).await.json()["active"], true);
        ada.client.post_nothing("/logout").await.expect(200);
        for token in [ada.access.as_str(), &next, "garbage", "a.b.c"] {
            assert_eq!(ask(&app, "/introspect", &billing, token).await.expect(200).json(), inactive);
        }
    }

    async fn clients_are_authenticated_by_basic_or_form_but_not_both(backend) {
        let app = TestApp::start(backend).await;
        let (id, secret) = client_of(&app, "svc-1.billing").await;
        let ada = app.user("ada").await;
        let anonymous = app.anonymous();
        let wrong = [(id.clone(), "wrong".to_owned()), ("unknown".to_owned(), secret.clone())];
        for client in &wrong {
            let answer = ask(&app, "/introspect", client, &ada.access).await.expect(401);
            assert_eq!(error(&answer), "invalid_client");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
        }
        let none = anonymous.form("/introspect", &[("token", &ada.access)]).await.expect(401);
        assert_eq!(error(&none), "invalid_client");
        let fields = [("token", ada.access.as_str()), ("client_id", &id), ("client_secret", &secret)];
        anonymous.form("/introspect", &fields).await.expect(200);
        let both = anonymous.request(Method::POST, "/introspect").basic_auth(&id, Some(&secret)).form(&fields);
        assert_eq!(error(&anonymous.send(both).await.expect(400)), "invalid_request");
        // RFC 6749 §2.3.1: the credentials are form-encoded before Basic encodes them; openid-client writes `-` as %2D.
        let encoded = |text: &str| text.replace('-', "%2D").replace('.', "%2E").replace('_', "%5F");
        let request = anonymous.request(Method::POST, "/introspect");
        let request = request.basic_auth(encoded(&id), Some(encoded(&secret))).form(&[("token", &ada.access)]);
        anonymous.send(request).await.expect(200);
    }

    async fn revoking_an_access_token_ends_it_alone(backend) {
        let app = TestApp::start(backend).await;
        let billing = client_of(&app, "billing").await;
        let ada = app.user("ada").await;
        ask(&app, "/revoke", &billing, &ada.access).await.expect(200);
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "token_revoked");
        app.refresh(&ada.refresh).await.expect(200);
    }

    async fn revoking_a_refresh_token_ends_its_session(backend) {
        let app = TestApp::start(backend).await;
        let billing = client_of(&app, "billing").await;
        let ada = app.user("ada").await;
        ask(&app, "/revoke", &billing, &ada.refresh).await.expect(200);
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "token_revoked");
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_revoked");
        for garbage in ["", "garbage", "a.b.c", ada.refresh.as_str()] {
            let answer = ask(&app, "/revoke", &billing, garbage).await;
            assert!(answer.status == 200 || (garbage.is_empty() && answer.status == 400), "{}", answer.text);
        }
    }
}
