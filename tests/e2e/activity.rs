//! The counts of activity by hour and kind. No route returns them.

use auth_domain::time::{Span, Timestamp, hour_of};
use auth_service::{
    ActivityKind::{self, Refresh, Refused, SignIn, SignInFailed},
    Clock, LimitName,
};
use serde_json::json;
#[cfg(feature = "services")]
use tests::Backend;
use tests::{Builder, TestApp, on_every_backend};

/// The counts of a node, by the number of hours after the first.
async fn counts(app: &TestApp, since: Timestamp) -> Vec<(i64, ActivityKind, u64)> {
    let counts = app.service().activity(since).await.unwrap();
    let first = hour_of(since);
    counts
        .into_iter()
        .map(|row| ((row.hour - first).num_hours(), row.kind, row.count))
        .collect()
}

async fn fail(app: &TestApp, times: u32) {
    for _ in 0..times {
        let body = json!({ "email": "ada@example.com", "password": "wrong" });
        app.anonymous().post("/login", &body).await.expect(401);
    }
}

on_every_backend! {
    async fn sign_ins_failures_and_refreshes_are_counted_in_their_hour(backend) {
        let app = TestApp::start(backend).await;
        let start = app.clock.now();
        assert_eq!(counts(&app, start).await, []);
        let ada = app.user("ada").await;
        app.login(&ada.email).await;
        fail(&app, 3).await;
        app.clock.advance(Span::hours(1));
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        app.refresh(&next).await.expect(200);
        app.clock.advance(Span::hours(2));
        app.login(&ada.email).await;
        let all = [(0, SignIn, 2), (0, SignInFailed, 3), (1, Refresh, 2), (3, SignIn, 1)];
        // Counts that are not written yet are included.
        assert_eq!(counts(&app, start).await, all);
        app.service().write_activity().await.unwrap();
        assert_eq!(counts(&app, start).await, all);
        app.login(&ada.email).await;
        assert_eq!(counts(&app, app.clock.now()).await, [(0, SignIn, 2)]);
    }

    async fn only_the_rotation_of_a_refresh_is_counted(backend) {
        let app = Builder::new(backend).set("rotation.on_concurrent", "repeat").start().await;
        let start = app.clock.now();
        let ada = app.user("ada").await;
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        // A repetition, nonsense, the second rotation, and a reuse.
        app.refresh(&ada.refresh).await.expect(200);
        app.refresh("a.b.c").await.expect(401);
        app.refresh(&next).await.expect(200);
        app.refresh(&ada.refresh).await.expect(401);
        assert_eq!(counts(&app, start).await, [(0, SignIn, 1), (0, Refresh, 2)]);
    }

    async fn a_refusal_counts_for_the_limit_that_refused(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("limits.sign_in_per_address", "2/1m")
            .set("limits.register_per_address", "1/1h")
            .start()
            .await;
        let start = app.clock.now();
        app.user("ada").await;
        let body = json!({ "email": "bob@example.com", "password": tests::PASSWORD });
        app.anonymous().post("/register", &body).await.expect(429);
        fail(&app, 2).await;
        for _ in 0..3 {
            app.anonymous().post("/login", &body).await.expect(429);
        }
        let all = [
            (0, SignIn, 1),
            (0, SignInFailed, 2),
            (0, Refused(LimitName::SignInPerAddress), 3),
            (0, Refused(LimitName::RegisterPerAddress), 1),
        ];
        assert_eq!(counts(&app, start).await, all);
        app.service().write_activity().await.unwrap();
        assert_eq!(counts(&app, start).await, all);
    }

    async fn counts_survive_a_restart_of_the_server(backend) {
        let app = TestApp::start(backend).await;
        let start = app.clock.now();
        let ada = app.user("ada").await;
        let app = app.restarted().await;
        app.refresh(&ada.refresh).await.expect(200);
        let app = app.restarted().await;
        assert_eq!(counts(&app, start).await, [(0, SignIn, 1), (0, Refresh, 1)]);
    }
}

/// The counts of several nodes add up. The last minute of the other nodes is not included yet.
#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_count_together() {
    let one = TestApp::start(Backend::Fleet).await;
    let two = one.another_node().await;
    let start = one.clock.now();
    let ada = one.user("ada").await;
    two.login(&ada.email).await;
    two.login(&ada.email).await;
    assert_eq!(counts(&one, start).await, [(0, SignIn, 1)]);
    assert_eq!(counts(&two, start).await, [(0, SignIn, 2)]);
    let (first, second) = (one.service().write_activity(), two.service().write_activity());
    let (first, second) = futures::future::join(first, second).await;
    assert!(first.is_ok() && second.is_ok());
    for node in [&one, &two] {
        assert_eq!(counts(node, start).await, [(0, SignIn, 3)]);
    }
}
