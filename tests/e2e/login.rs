//! `POST /login`.

use serde_json::json;
use tests::{Answer, Builder, PASSWORD, TestApp, on_every_backend};

/// The answer without the request id in its header and body, which differs between any two answers.
pub(crate) fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, serde_json::Value) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let mut body = answer.json();
    body["instance"] = json!("");
    (answer.status, headers, body)
}

on_every_backend! {
    async fn signing_in_gives_a_session_of_its_own(backend) {
        let app = TestApp::start(backend).await;
        let first = app.user("ada").await;
        let second = app.login("ADA@example.com").await;
        assert_ne!(first.access, second.access);
        let me = second.client.get("/me").await.expect(200);
        assert_eq!(me.field("id"), first.id);
        assert!(me.json()["last_login_at"].is_string());
        let sessions = second.client.get("/sessions").await.expect(200).json();
        assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
    }

    async fn every_failed_sign_in_gets_the_same_answer(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let cases = [
            ("ada@example.com", "wrong password here"),
            ("nobody@example.com", PASSWORD),
            ("not an address", PASSWORD),
            ("ada@example.com", &"x".repeat(600)),
        ];
        let mut answers = Vec::new();
        for (email, password) in cases {
            let answer = app.anonymous().post("/login", &json!({ "email": email, "password": password })).await;
            assert_eq!(answer.code(), "invalid_credentials");
            assert_eq!(answer.field("detail"), "Incorrect email or password");
            answers.push(comparable(&answer.expect(401)));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    }

    async fn blanks_around_an_email_address_are_ignored_on_every_route(backend) {
        let app = TestApp::start(backend).await;
        let client = app.anonymous();
        let body = json!({ "email": " Ada@example.com\t", "password": PASSWORD });
        let ada = client.post("/register", &body).await.expect(201);
        assert_eq!(ada.json()["user"]["email"], "Ada@example.com");
        let ada = app.signed_in("ada@example.com", &ada);
        client.post("/register", &json!({ "email": "ada@example.com\u{a0}", "password": PASSWORD })).await.expect(409);
        for email in ["ada@example.com ", " ada@example.com", "\tada@example.com\r\n", "ada@example.com\u{a0}", "\u{3000}ada@example.com"] {
            client.post("/login", &json!({ "email": email, "password": PASSWORD })).await.expect(200);
            let grant = [("grant_type", "password"), ("username", email), ("password", PASSWORD)];
            client.form("/token", &grant).await.expect(200);
        }
        for inside in ["ada @example.com", "ada@ example.com", "a\u{a0}da@example.com"] {
            client.post("/login", &json!({ "email": inside, "password": PASSWORD })).await.expect(401);
            let body = json!({ "email": inside, "password": PASSWORD });
            assert_eq!(client.post("/register", &body).await.expect(422).code(), "invalid_email");
        }
        let before = app.mails_to("Ada@example.com").await.len();
        client.post("/password/forgot", &json!({ "email": "  ada@example.com " })).await.expect(202);
        assert_eq!(app.mails_to("Ada@example.com").await.len(), before + 1);
        let change = json!({ "new_email": " new@example.com ", "current_password": PASSWORD });
        ada.client.post("/email/change", &change).await.expect(202);
        assert_eq!(app.mails_to("new@example.com").await.len(), 1);
        let root = app.admin("root").await;
        let made = root.client.post("/admin/users", &json!({ "email": "\tbob@example.com " })).await.expect(201);
        assert_eq!(made.json()["email"], "bob@example.com");
        let found = root.client.get("/admin/users?query=%20bob@example.com%20").await.expect(200).json();
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        let account: auth_service::UserRef = " bob@example.com ".parse().unwrap();
        assert!(app.service().admin().user(&account).await.is_ok());
    }

    async fn every_character_of_a_password_counts(backend) {
        let app = TestApp::start(backend).await;
        let long = "nine zebras ".repeat(6);
        assert_eq!(long.len(), 72);
        let register = async |email: &str, password: &str| {
            app.anonymous().post("/register", &json!({ "email": email, "password": password })).await.expect(201)
        };
        let status = async |email: &str, password: &str| {
            app.anonymous().post("/login", &json!({ "email": email, "password": password })).await.status
        };
        let _ = register("long@example.com", &format!("{long}A")).await;
        assert_eq!(status("long@example.com", &format!("{long}B")).await, 401);
        assert_eq!(status("long@example.com", &format!("{long}A")).await, 200);
        let _ = register("space@example.com", " two spaced zebras ").await;
        assert_eq!(status("space@example.com", "two spaced zebras").await, 401);
        assert_eq!(status("space@example.com", " two spaced zebras ").await, 200);
    }

    async fn a_password_typed_in_another_unicode_form_is_the_same(backend) {
        let app = TestApp::start(backend).await;
        let decomposed = "cafe\u{301} zebra quilt nine";
        let composed = "caf\u{e9} zebra quilt nine";
        let body = json!({ "email": "ada@example.com", "password": decomposed });
        app.anonymous().post("/register", &body).await.expect(201);
        let body = json!({ "email": "ada@example.com", "password": composed });
        app.anonymous().post("/login", &body).await.expect(200);
    }

    async fn credentials_go_in_the_body_alone(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let query = format!("/login?email=ada@example.com&password={}", PASSWORD.replace(' ', "%20"));
        let answer = app.anonymous().get(&query).await.expect(405);
        assert_eq!(answer.header("allow"), Some("POST"));
    }

    async fn the_oldest_session_ends_when_there_are_too_many(backend) {
        let app = Builder::new(backend).set("session.max_per_user", "2").start().await;
        let first = app.user("ada").await;
        app.clock.advance(auth_domain::time::Span::seconds(1));
        let second = app.login(&first.email).await;
        app.clock.advance(auth_domain::time::Span::seconds(1));
        let third = app.login(&first.email).await;
        assert_eq!(first.client.get("/me").await.expect(401).code(), "token_revoked");
        assert_eq!(app.refresh(&first.refresh).await.expect(401).code(), "token_revoked");
        second.client.get("/me").await.expect(200);
        third.client.get("/me").await.expect(200);
        let ended = third.client.get("/sessions?status=ended").await.json();
        assert_eq!(ended["items"][0]["end_reason"], "displaced");
    }
}
