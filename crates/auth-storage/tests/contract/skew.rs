//! The history of one user slows down no request: PostgreSQL counts the rows that it reads for a user with a long history and for a
//! new one.

use crate::{
    fixture::{Fixture, on_postgres},
    long_history::{a_day_of_requests, add_long_history},
};
use auth_domain::{role::Role, user::User};
use std::time::{Duration, Instant};

/// How many rows and index entries the server read meanwhile. A connection reports its counts when it ends.
async fn rows_read(fixture: &Fixture, user: &User, first_link: u8) -> i64 {
    let connected = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'keyward'";
    let read = "SELECT (SELECT sum(idx_tup_read + idx_tup_fetch) FROM pg_stat_user_indexes)::bigint \
                + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables \
                   WHERE relname IN ('sessions', 'audit_events', 'outbox', 'one_time_tokens'))::bigint AS n";
    let connections = fixture.number(connected);
    let before = fixture.number(read);
    let db = fixture.another().await;
    a_day_of_requests(&db, user, first_link).await;
    drop(db);
    let begun = Instant::now();
    while fixture.number(connected) > connections {
        assert!(begun.elapsed() < Duration::from_secs(10), "a connection stays");
        tokio::task::yield_now().await;
    }
    fixture.number(read) - before
}

#[test]
fn a_user_with_a_long_history_costs_as_many_rows_as_a_new_one_on_postgres() {
    on_postgres(async |fixture| {
        let heavy = fixture.user("heavy@example.com", Role::USER).await;
        add_long_history(&fixture, &heavy);
        let fresh = fixture.user("fresh@example.com", Role::USER).await;
        let of_fresh = rows_read(&fixture, &fresh, 101).await;
        let of_heavy = rows_read(&fixture, &heavy, 102).await;
        // At most a few full pages of lists.
        assert!(
            of_heavy < of_fresh + 2_000,
            "{of_heavy} rows, and {of_fresh} for a new user"
        );
    });
}
