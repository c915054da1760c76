//! Attackers who can write the tables of the audit log (docs/rules.md §9). The rule: every change of theirs is reported, and the server
//! removes no row for them.

use auth_domain::time::Span;
use auth_service::{ChainStatus, Pagination};
use auth_storage::audit;
use tests::{Backend, Builder, TestApp, on_every_backend};

/// Everything in the log.
async fn listed(app: &TestApp) -> usize {
    let page = Pagination {
        after: None,
        limit: 1_000,
    };
    let events = app.service().admin().audit(audit::Filter::default(), page).await;
    events.unwrap().len()
}

async fn seal(app: &TestApp) {
    app.service().audit_log().seal(app.operator().now).await.unwrap();
}

async fn verify(app: &TestApp) -> ChainStatus {
    let log = app.service().audit_log();
    log.verify(None, app.operator().now).await.unwrap()
}

fn what(chain: &ChainStatus) -> &'static str {
    match chain {
        ChainStatus::Broken { what, .. } => what,
        other => panic!("the chain is not broken: {other:?}"),
    }
}

/// Three users, each in a batch of their own.
async fn three_batches(app: &TestApp) {
    for name in ["ada", "bob", "cleo"] {
        app.user(name).await;
        seal(app).await;
    }
    assert!(matches!(verify(app).await, ChainStatus::Intact { .. }));
}

/// A row dated some days before the test's clock.
fn put_in(app: &TestApp, days: i64, action: &str) -> String {
    let at = app.operator().now - Span::days(days);
    let millis = at.timestamp_millis();
    let id = format!(
        "{:08x}-{:04x}-7000-8000-000000000001",
        millis >> 16,
        millis & 0xFFFF
    );
    let moment = if app.database.backend == Backend::Sqlite {
        at.timestamp_micros().to_string()
    } else {
        format!("'{}'", at.to_rfc3339())
    };
    app.database.sql(&format!(
        "INSERT INTO audit_events (id, at, actor, action, details) VALUES ('{id}', {moment}, 'anonymous', '{action}', '{{}}')"
    ));
    id
}

on_every_backend! {
    /// Formerly, `sealed_at` was not covered by the authentication code, although it decides what is pruned.
    async fn a_backdated_seal_removes_no_row_and_is_reported(backend) {
        let app = Builder::new(backend).set("audit.retention", "1d").start().await;
        three_batches(&app).await;
        let before = listed(&app).await;
        let back = if backend == Backend::Sqlite { "sealed_at - 43200000000000" } else { "sealed_at - interval '500 days'" };
        app.database.sql(&format!(
            "UPDATE audit_seals SET sealed_at = {back} WHERE number = (SELECT max(number) - 1 FROM audit_seals)"
        ));
        app.service().sweep().await.unwrap();
        assert_eq!(listed(&app).await, before);
        assert_eq!(what(&verify(&app).await), "its rows or its seal were changed");
    }

    async fn a_changed_batch_and_those_after_it_are_not_pruned(backend) {
        let app = Builder::new(backend).ago(Span::days(3)).set("audit.retention", "1d").start().await;
        three_batches(&app).await;
        app.clock.advance(Span::days(3));
        app.user("dora").await;
        seal(&app).await;
        let before = listed(&app).await;
        app.database.sql("UPDATE audit_events SET ip = '192.0.2.66' WHERE batch = 1");
        app.service().sweep().await.unwrap();
        assert_eq!(listed(&app).await, before);
        assert!(matches!(verify(&app).await, ChainStatus::Broken { batch: 1, .. }));
    }

    /// Formerly, a batch was pruned by its number alone, so rows moved into it would have been removed with it.
    async fn rows_that_are_moved_into_an_old_batch_are_not_removed_with_it(backend) {
        let app = Builder::new(backend).ago(Span::days(3)).set("audit.retention", "1d").start().await;
        three_batches(&app).await;
        app.clock.advance(Span::days(3));
        app.user("dora").await;
        seal(&app).await;
        let before = listed(&app).await;
        app.database.sql("UPDATE audit_events SET batch = 1 WHERE batch = (SELECT max(number) FROM audit_seals)");
        app.service().sweep().await.unwrap();
        assert_eq!(listed(&app).await, before);
        assert!(matches!(verify(&app).await, ChainStatus::Broken { batch: 1, .. }));
    }

    async fn a_row_inserted_afterwards_never_verifies(backend) {
        let app = TestApp::start(backend).await;
        three_batches(&app).await;
        let forged = put_in(&app, 1, "user_deleted");
        app.user("dora").await;
        seal(&app).await;
        let ChainStatus::Refused { count, ids } = verify(&app).await else {
            panic!("the row is named: {:?}", verify(&app).await);
        };
        assert_eq!((count, ids), (1, vec![forged]));
    }

    async fn a_row_that_cannot_be_read_stops_neither_sealing_nor_listing_and_is_named(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        three_batches(&app).await;
        app.clock.advance(Span::seconds(1));
        let unread = put_in(&app, 0, "no action");
        app.clock.advance(Span::seconds(1));
        app.user("dora").await;
        seal(&app).await;
        let listed = root.client.get("/admin/audit?limit=2").await.expect(200).json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
        assert_eq!(listed["items"][0]["action"], "registered");
        assert!(listed["next_cursor"].is_string());
        let page = root.client.get("/admin/audit?action=registered&limit=100").await.expect(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), 4);
        let ChainStatus::Intact { unsealed: 1, .. } = verify(&app).await else {
            panic!("it waits: {:?}", verify(&app).await);
        };
        app.clock.advance(Span::seconds(90));
        let overdue = app.service().audit_log().verify(None, app.operator().now).await.unwrap();
        assert!(matches!(overdue, ChainStatus::Overdue { count: 1 } | ChainStatus::Refused { count: 1, .. }), "{overdue:?}");
        app.user("eve").await;
        seal(&app).await;
        assert_eq!(verify(&app).await, ChainStatus::Refused { count: 1, ids: vec![unread] });
    }

    async fn a_chain_that_restarts_is_an_alarm_until_an_operator_accepts_it(backend) {
        let app = TestApp::start(backend).await;
        three_batches(&app).await;
        let log = app.service().audit_log();
        seal(&app).await;
        assert_eq!(log.alarm(), None);
        app.database.sql("UPDATE audit_events SET batch = NULL; DELETE FROM audit_seals; DELETE FROM settings WHERE name = 'audit_head'");
        seal(&app).await;
        assert!(log.alarm().is_some());
        app.user("dora").await;
        seal(&app).await;
        let found = verify(&app).await;
        assert!(what(&found).starts_with("the chain "), "{found:?}");
        assert!(app.service().gauges().audit_alarm);
        // A process without memory reads the mark that this one stored.
        let app = app.restarted().await;
        let log = app.service().audit_log();
        seal(&app).await;
        assert!(log.alarm().is_some());
        log.accept(app.service().admin(), &app.operator()).await.unwrap();
        seal(&app).await;
        assert_eq!(log.alarm(), None);
        let ChainStatus::Intact { beginning: Some(beginning), .. } = verify(&app).await else {
            panic!("it was accepted: {:?}", verify(&app).await);
        };
        assert_eq!(beginning.at, app.operator().now);
    }

    /// An older state of the tables is restored: every authentication code is right, and only a process that remembers the newer state
    /// can notice.
    async fn a_table_restored_to_an_older_state_is_an_alarm_for_a_process_that_remembers(backend) {
        let app = TestApp::start(backend).await;
        three_batches(&app).await;
        app.database.sql("CREATE TABLE kept AS SELECT name, value FROM settings WHERE name = 'audit_head'; \
                          CREATE TABLE kept_last AS SELECT max(number) AS number FROM audit_seals");
        app.user("dora").await;
        seal(&app).await;
        seal(&app).await;
        app.database.sql("DELETE FROM audit_events WHERE batch IS NULL OR batch > (SELECT number FROM kept_last); \
                          DELETE FROM audit_seals WHERE number > (SELECT number FROM kept_last); \
                          UPDATE settings SET value = (SELECT value FROM kept) WHERE name = 'audit_head'; \
                          DROP TABLE kept; DROP TABLE kept_last");
        seal(&app).await;
        assert_eq!(app.service().audit_log().alarm(), Some("the chain went back: a later seal was there before"));
        assert_eq!(what(&verify(&app).await), "the chain went back: a later seal was there before");
        // Also after the restart of a server without memory.
        let app = app.restarted().await;
        assert!(matches!(verify(&app).await, ChainStatus::Broken { .. }));
    }

    async fn a_missing_end_mark_of_the_chain_is_reported(backend) {
        let app = TestApp::start(backend).await;
        three_batches(&app).await;
        app.database.sql("DELETE FROM settings WHERE name = 'audit_head'");
        let found = verify(&app).await;
        if matches!(found, ChainStatus::Broken { .. }) {
            assert_eq!(what(&found), "the mark of the newest seal was removed");
        }
        app.database.sql("DELETE FROM audit_events; DELETE FROM audit_seals");
        seal(&app).await;
        assert!(app.service().audit_log().alarm().is_some());
    }
}
