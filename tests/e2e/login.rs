//! `POST /login`.

use serde_json::json;
use tests::{Answer, Builder, PASSWORD, TestApp, on_every_backend};

/// The answer without what differs between any two: the request id, in the header and in the body.
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

    async fn whoever_cannot_sign_in_gets_the_same_answer(backend) {
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
