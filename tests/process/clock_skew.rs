//! A node whose clock is wrong: it answers 503 wherever it would issue or check a token by that clock, and recovers as soon as the
//! clock is right.

use serde_json::json;
use tests::{Answer, Backend, Browser, Database, FakeClock, PASSWORD, Server, eventually};

/// A node's answer on each kind of route.
async fn answers(node: &Server, access: &str, refresh: &str) -> Vec<(&'static str, Answer)> {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let (client, bearer) = (node.client(), node.client().with_bearer(access));
    let token = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    vec![
        ("verify", bearer.get("/verify").await),
        ("me", bearer.get("/me").await),
        (
            "an API key",
            node.client().with_bearer("kw_nonsense").get("/admin/users").await,
        ),
        ("login", client.post("/login", &body).await),
        (
            "refresh",
            client
                .post("/refresh", &json!({ "refresh_token": refresh }))
                .await,
        ),
        ("token", client.form("/token", &token).await),
        (
            "forgot",
            client
                .post("/password/forgot", &json!({ "email": "ada@example.com" }))
                .await,
        ),
        ("page", Browser::new(node.origin()).open("/account").await),
    ]
}

/// Waits until readiness answers this status.
async fn until_ready(node: &Server, status: u16) {
    let (probe, runtime) = (node.client(), tokio::runtime::Handle::current());
    tokio::task::spawn_blocking(move || {
        eventually("readiness answers as it should", || {
            runtime.block_on(probe.get("/health/ready")).status == status
        });
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_clock_is_off_neither_issues_nor_judges_until_the_clock_is_right() {
    let database = Database::create(Backend::Fleet);
    let right = Server::start(&database, &[]);
    let (clock, variables) = FakeClock::of(&database);
    let mut environment = database.environment();
    environment.extend(variables);
    let node = Server::try_start(&environment).unwrap_or_else(|log| panic!("{log}"));
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = right.client().post("/register", &body).await.expect(201);
    let (access, refresh) = (tokens.field("access_token"), tokens.field("refresh_token"));
    for by in ["+30s", "-30s", "+13h"] {
        clock.jumps(by);
        // A clock that is ahead is noticed at once; one that is behind, once the last read time is too old.
        until_ready(&node, 503).await;
        for (door, answer) in answers(&node, &access, &refresh).await {
            assert_eq!(answer.status, 503, "{door}, {by}: {}", answer.text);
            assert!(answer.header("retry-after").is_some(), "{door}, {by}");
        }
        node.client().get("/health/live").await.expect(200);
        node.client().get("/.well-known/jwks.json").await.expect(200);
        clock.jumps("+0");
        // At once, without a restart, even though its own time had run ahead.
        node.client().with_bearer(&access).get("/me").await.expect(200);
        let issued = node.client().post("/login", &body).await.expect(200);
        let elsewhere = right.client().with_bearer(&issued.field("access_token"));
        elsewhere.get("/me").await.expect(200);
        until_ready(&node, 200).await;
    }
    right
        .client()
        .post("/refresh", &json!({ "refresh_token": refresh }))
        .await
        .expect(200);
}
