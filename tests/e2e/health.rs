//! `/health`, `/health/live`, `/health/ready`.

use tests::{TestApp, on_every_backend};

on_every_backend! {
    async fn a_started_server_is_live_and_ready_and_says_nothing_of_itself(backend) {
        let app = TestApp::start(backend).await;
        let client = app.anonymous();
        let live = client.get("/health/live").await.expect(200);
        let ready = client.get("/health/ready").await.expect(200);
        let health = client.get("/health").await.expect(200);
        for answer in [live, ready, health] {
            for word in ["sqlite", "postgres", env!("CARGO_PKG_VERSION"), "127.0.0.1"] {
                assert!(!answer.text.to_lowercase().contains(word), "{}", answer.text);
            }
        }
    }

    async fn a_clock_that_is_off_makes_a_node_unready(backend) {
        let app = TestApp::start(backend).await;
        app.clock.advance(auth_domain::time::Span::seconds(10));
        app.anonymous().get("/health/ready").await.expect(503);
        app.anonymous().get("/health/live").await.expect(200);
    }

    async fn every_answer_has_a_request_id_and_the_security_headers(backend) {
        let app = TestApp::start(backend).await;
        let client = app.anonymous();
        for path in ["/health/live", "/me", "/no-such-route", "/.well-known/jwks.json"] {
            let answer = client.get(path).await;
            assert!(answer.header("x-request-id").is_some(), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        }
        let request = client.request(reqwest::Method::GET, "/health/live").header("X-Request-Id", "abc-123");
        assert_eq!(client.send(request).await.header("x-request-id"), Some("abc-123"));
        let request = client.request(reqwest::Method::GET, "/health/live").header("X-Request-Id", "a\"b{}".repeat(40));
        assert!(!client.send(request).await.header("x-request-id").unwrap().contains('"'));
    }
}
