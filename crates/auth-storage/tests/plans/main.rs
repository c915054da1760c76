//! The plans of the hot paths. The rule: on both databases no statement of theirs scans a table, and no write of theirs is prepared at
//! each request.
//!
//! The statements are those that the store really sends: they are captured while each operation runs once, and explained on a database
//! with 20,000 users. A scan that costs nothing in a test brings a server down at ten million users.

#[cfg(test)]
#[expect(dead_code, reason = "shared with the contract, which uses all of it")]
#[path = "../contract/builders.rs"]
mod builders;
#[cfg(test)]
#[expect(dead_code, reason = "shared with the contract, which uses all of it")]
#[path = "../contract/fixture.rs"]
mod fixture;
#[cfg(test)]
#[path = "../contract/long_history.rs"]
mod long_history;
#[cfg(test)]
#[path = "../contract/settled.rs"]
mod settled;

#[cfg(test)]
mod capture;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod hot_paths;
#[cfg(test)]
mod skew;

#[cfg(test)]
use crate::{
    capture::Captured,
    explain::{Dialect, scans},
    fixture::Fixture,
};
#[cfg(test)]
use std::collections::BTreeSet;

#[cfg(test)]
async fn hot_statements_are_planned_and_kept(fixture: Fixture) {
    let dialect = Dialect::of(&fixture);
    explain::seed(&fixture, dialect);
    let Captured { sent, kept } = capture::during(dialect, hot_paths::run(&fixture)).await;
    let rarer = capture::during(dialect, hot_paths::run_rarer(&fixture))
        .await
        .sent;
    let sent: Vec<String> = sent.into_iter().collect();
    // Each path sends at least this many. A capture that misses some would prove nothing.
    assert!(sent.len() >= 25, "only {} statements were captured", sent.len());
    for table in explain::LARGE {
        assert!(
            sent.iter().any(|sql| sql.contains(table)),
            "no statement names {table}"
        );
    }
    every_write_is_kept(&sent, &kept);
    // Together with the rarer paths there must be clearly more statements.
    let rarer: Vec<String> = rarer.into_iter().collect();
    assert!(
        rarer.len() >= sent.len() + 20,
        "only {} statements were captured",
        rarer.len()
    );
    nothing_scans(&fixture, dialect, &rarer);
    if dialect == Dialect::Sqlite {
        // PostgreSQL's plans don't say which condition an index answers: the contract counts its rows (`contract/skew.rs`).
        skew::statements_about_a_user_are_bounded(&fixture).await;
    }
    a_missing_index_is_seen(&fixture, dialect, rarer);
}

/// A write that is prepared at each request costs a round trip and a plan each time (`prepared.rs`). There is no exception among these
/// paths: the sweep only deletes, and the creation of keys and the set-up of a database are not among them.
#[cfg(test)]
fn every_write_is_kept(sent: &[String], kept: &BTreeSet<String>) {
    let writes = |sql: &&String| sql.starts_with("INSERT") || sql.starts_with("UPDATE");
    let forgotten: Vec<&String> = sent
        .iter()
        .filter(writes)
        .filter(|sql| !kept.contains(*sql))
        .collect();
    assert!(forgotten.is_empty(), "prepared at each request: {forgotten:#?}");
}

#[cfg(test)]
fn nothing_scans(fixture: &Fixture, dialect: Dialect, sent: &[String]) {
    // SQLite has statistics only after an ANALYZE, which Keyward never runs. PostgreSQL gathers its own within a minute.
    let mut found = match dialect {
        Dialect::Sqlite => scans(fixture, dialect, sent),
        Dialect::Postgres => Vec::new(),
    };
    fixture.execute("ANALYZE");
    found.extend(scans(fixture, dialect, sent));
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// Proves that the check above notices a scan.
#[cfg(test)]
fn a_missing_index_is_seen(fixture: &Fixture, dialect: Dialect, mut sent: Vec<String>) {
    // An ON CONFLICT without its unique index is refused instead of planned.
    sent.retain(|sql| !sql.starts_with("INSERT"));
    for (index, table) in [
        ("users_email_key", "users"),
        ("sessions_ended", "sessions"),
        ("revocations_recorded", "revocations"),
        ("one_time_tokens_expiry", "one_time_tokens"),
        ("outbox_done", "outbox"),
        ("audit_events_subject", "audit_events"),
        ("api_keys_digest", "api_keys"),
    ] {
        fixture.execute(&format!("DROP INDEX {index}"));
        let found = scans(fixture, dialect, &sent);
        assert!(
            found.iter().any(|scan| scan.contains(table)),
            "{index} is gone and nothing was seen: {found:?}"
        );
    }
}

#[test]
fn no_hot_statement_scans_a_table_or_is_prepared_at_each_request_on_sqlite() {
    fixture::on_sqlite(hot_statements_are_planned_and_kept);
}

#[cfg(feature = "services")]
#[test]
fn no_hot_statement_scans_a_table_or_is_prepared_at_each_request_on_postgres() {
    fixture::on_postgres(hot_statements_are_planned_and_kept);
}
