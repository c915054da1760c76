//! `POST /refresh` (docs/rules.md §3).

use auth_domain::time::Span;
use serde_json::json;
use std::collections::HashSet;
use tests::{Answer, Builder, TestApp, on_every_backend};

const KEY: &str = "0123456789abcdef-retry";

async fn refresh_with_key(app: &TestApp, token: &str, key: &str) -> Answer {
    let client = app.anonymous();
    let request = client
        .request(reqwest::Method::POST, "/refresh")
        .header("Idempotency-Key", key);
    client
        .send(request.json(&json!({ "refresh_token": token })))
        .await
}

on_every_backend! {
    async fn a_refresh_issues_the_next_pair_and_uses_the_token_up(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let answer = app.refresh(&ada.refresh).await.expect(200);
        assert_ne!(answer.field("refresh_token"), ada.refresh);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        ada.client.get("/me").await.expect(200);
        let used = app.refresh(&ada.refresh).await.expect(401);
        assert_eq!((used.code().as_str(), used.field("detail").as_str()), ("token_already_used", "Refresh token already used"));
        app.refresh(&answer.field("refresh_token")).await.expect(200);
    }

    async fn a_token_reused_later_ends_the_session_once(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let newest = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        app.clock.advance(Span::seconds(11));
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_already_used");
        assert_eq!(newest.client.get("/me").await.expect(401).code(), "token_revoked");
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "token_revoked");
        assert_eq!(app.refresh(&newest.refresh).await.expect(401).code(), "token_revoked");
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_revoked");
    }

    async fn a_token_from_long_ago_is_reuse_even_within_a_second(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let mut token = ada.refresh.clone();
        for _ in 0..3 {
            token = app.refresh(&token).await.expect(200).field("refresh_token");
        }
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_already_used");
        assert_eq!(app.refresh(&token).await.expect(401).code(), "token_revoked");
    }

    async fn a_refresh_whose_answer_was_lost_can_be_repeated(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let first = refresh_with_key(&app, &ada.refresh, KEY).await.expect(200);
        app.clock.advance(Span::seconds(29));
        let again = refresh_with_key(&app, &ada.refresh, KEY).await.expect(200);
        assert_eq!(first.field("refresh_token"), again.field("refresh_token"), "byte for byte");
        assert_ne!(first.field("access_token"), again.field("access_token"));
        app.clock.advance(Span::seconds(2));
        assert_eq!(refresh_with_key(&app, &ada.refresh, KEY).await.expect(401).code(), "token_already_used");
        app.refresh(&first.field("refresh_token")).await.expect(401);
    }

    async fn another_idempotency_key_repeats_nothing(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let first = refresh_with_key(&app, &ada.refresh, KEY).await.expect(200);
        let other = refresh_with_key(&app, &ada.refresh, "another-key-of-16-or-more").await.expect(401);
        assert_eq!(other.code(), "token_already_used");
        app.refresh(&first.field("refresh_token")).await.expect(200);
    }

    async fn a_malformed_idempotency_key_is_refused_before_anything_happens(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        for key in ["short", &"k".repeat(129), "with a space inside it"] {
            let answer = refresh_with_key(&app, &ada.refresh, key).await.expect(400);
            assert_eq!(answer.code(), "invalid_idempotency_key");
        }
        app.refresh(&ada.refresh).await.expect(200);
    }

    async fn the_second_tab_may_be_given_the_successor(backend) {
        let app = Builder::new(backend).set("rotation.on_concurrent", "repeat").start().await;
        let ada = app.user("ada").await;
        let first = app.refresh(&ada.refresh).await.expect(200);
        let second = app.refresh(&ada.refresh).await.expect(200);
        assert_eq!(first.field("refresh_token"), second.field("refresh_token"));
    }

    async fn sixty_four_at_once_have_one_winner(backend) {
        let app = TestApp::start(backend).await;
        for round in 0..4 {
            let ada = app.user(&format!("ada{round}")).await;
            let client = app.anonymous();
            let body = json!({ "refresh_token": ada.refresh });
            let all = futures::future::join_all((0..64).map(|_| client.post("/refresh", &body))).await;
            let won: Vec<_> = all.iter().filter(|answer| answer.status == 200).collect();
            assert_eq!(won.len(), 1, "round {round}");
            assert!(all.iter().filter(|answer| answer.status != 200).all(|a| a.status == 401 && a.code() == "token_already_used"));
            app.refresh(&won[0].field("refresh_token")).await.expect(200);
        }
    }

    async fn sixty_four_retries_at_once_get_one_successor(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let all = futures::future::join_all((0..64).map(|_| refresh_with_key(&app, &ada.refresh, KEY))).await;
        let tokens: HashSet<String> = all.into_iter().map(|answer| answer.expect(200).field("refresh_token")).collect();
        assert_eq!(tokens.len(), 1);
    }

    async fn a_session_ends_in_time_however_often_it_is_refreshed(backend) {
        let app = Builder::new(backend).set("session.max_lifetime", "40d").start().await;
        let ada = app.user("ada").await;
        app.clock.advance(Span::days(25));
        let refreshed = app.refresh(&ada.refresh).await.expect(200);
        assert_eq!(refreshed.json()["refresh_expires_in"], 15 * 86_400);
        app.clock.advance(Span::days(15) - Span::seconds(1800));
        let last = app.refresh(&refreshed.field("refresh_token")).await.expect(200);
        assert_eq!(last.json()["expires_in"], 1800, "no access token outlives its session");
        app.clock.advance(Span::seconds(1800));
        assert_eq!(app.refresh(&last.field("refresh_token")).await.expect(401).code(), "token_expired");
    }

    async fn only_a_refresh_token_refreshes(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        for token in [ada.access.as_str(), "", "a.b.c", &ada.refresh[..ada.refresh.len() - 1], &format!("{}.", ada.refresh)] {
            assert_eq!(app.refresh(token).await.expect(401).code(), "invalid_token", "{token}");
        }
    }

    async fn used_refresh_tokens_are_known_after_a_restart(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        let app = app.restarted().await;
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_already_used");
        app.refresh(&next).await.expect(200);
    }
}
