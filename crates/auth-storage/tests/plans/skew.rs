//! Statements about one user. The rule: each reads that user's rows by an index that contains only the rows that it needs, or reads no
//! further than its page.

use crate::{
    capture,
    explain::{Dialect, plans},
    fixture::Fixture,
    long_history::{a_day_of_requests, add_long_history},
};
use auth_domain::role::Role;

/// The indexes in which one user may have any number of rows, as SQLite's plan names them when it reads all of these rows.
const ALL_OF_A_USER: [&str; 5] = [
    "sessions_of_user (user_id=?)",
    "one_time_tokens_of_user (user_id=?)",
    "outbox_of_user (user_id=?)",
    "audit_events_subject (subject=?)",
    "audit_events_actor (actor_id=?)",
];

/// Checks the statements captured so far, and those of a day of a user with a long history.
pub(crate) async fn statements_about_a_user_are_bounded(fixture: &Fixture) {
    let dialect = Dialect::Sqlite;
    let user = fixture.user("heavy@example.com", Role::USER).await;
    add_long_history(fixture, &user);
    let captured = capture::during(dialect, async {
        let db = fixture.another().await;
        a_day_of_requests(&db, &user, 101).await;
    })
    .await;
    // The plan of an insertion includes the checks of its foreign keys.
    let reads = |sql: &String| !sql.starts_with("INSERT");
    let sent: Vec<String> = captured.sent.into_iter().filter(reads).collect();
    for (sql, plan) in plans(fixture, dialect, &sent) {
        let wide = |line: &String| ALL_OF_A_USER.iter().any(|index| line.contains(index));
        // A page ends when it is full, unless few rows match a further condition.
        let narrow = sql.contains("`ended_at` IS NULL") && !sql.contains("NOT (");
        let page = sql.contains("LIMIT") && sql.contains("ORDER BY") && !narrow;
        // A lock-out deletes every row that it finds.
        let all_go = sql.starts_with("DELETE") && !sql.contains("`kind` = ");
        assert!(
            page || all_go || !plan.iter().any(wide),
            "{sql}\n  {}",
            plan.join("\n  ")
        );
    }
}
