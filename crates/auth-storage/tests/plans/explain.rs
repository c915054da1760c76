//! The plan of a statement on each database, and enough rows for the plan to be meaningful.

use crate::fixture::Fixture;
use diesel::{
    PgConnection, QueryableByName, SqliteConnection, connection::SimpleConnection, prelude::*,
    sql_types::Text,
};

/// The tables that grow with users and use.
pub(crate) const LARGE: [&str; 8] = [
    "users",
    "sessions",
    "revocations",
    "one_time_tokens",
    "api_keys",
    "outbox",
    "audit_events",
    "activity",
];

/// Indexes that contain only pending rows, so that a scan of the whole index finds just those.
const OF_WHAT_WAITS: [&str; 2] = ["audit_events_unsealed", "outbox_due"];

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(crate) fn of(fixture: &Fixture) -> Self {
        if fixture.is_sqlite() {
            Self::Sqlite
        } else {
            Self::Postgres
        }
    }

    /// Whether the statement is in this database's dialect of Diesel, and names a table.
    pub(crate) fn wrote(self, sql: &str) -> bool {
        let quote = match self {
            Self::Sqlite => '`',
            Self::Postgres => '"',
        };
        let verb = ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .iter()
            .any(|verb| sql.starts_with(verb));
        verb && LARGE
            .iter()
            .any(|table| sql.contains(&format!("{quote}{table}{quote}")))
    }
}

/// 20,000 users with a session and an API key each, as many revocations, sent mails, sealed events and counted hours, and 5,000 one-time tokens.
pub(crate) fn seed(fixture: &Fixture, dialect: Dialect) {
    let (numbers, id, instant, blob) = match dialect {
        Dialect::Sqlite => (
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)",
            "printf('00000000-0000-7000-8000-%012x', n)",
            "n",
            "zeroblob(28) || printf('%04x', n)",
        ),
        Dialect::Postgres => (
            "WITH numbers AS (SELECT generate_series(1, 20000) AS n)",
            "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            "to_timestamp(n)",
            "decode(lpad(to_hex(n), 64, '0'), 'hex')",
        ),
    };
    let blob = if dialect == Dialect::Sqlite {
        format!("CAST({blob} AS BLOB)")
    } else {
        blob.to_owned()
    };
    fixture.execute(&format!(
        "INSERT INTO users (id, email, email_key, role, status, created_at, updated_at)
         {numbers} SELECT {id}, 'seeded' || n || '@example.com', 'seeded' || n || '@example.com', 'user', 'active', {instant}, {instant}
         FROM numbers;
         INSERT INTO sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until)
         {numbers} SELECT {id}, {id}, 0, {instant}, 0, {instant}, {instant}, {instant} FROM numbers;
         INSERT INTO revocations (id, kind, until, recorded_at) {numbers} SELECT {id}, 'session', {instant}, {instant} FROM numbers;
         INSERT INTO one_time_tokens (id, kind, digest, created_at, expires_at)
         {numbers} SELECT {id}, 'password_reset', {blob}, {instant}, {instant} FROM numbers WHERE n <= 5000;
         INSERT INTO api_keys (id, user_id, name, digest, permissions, created_at, expires_at)
         {numbers} SELECT {id}, {id}, 'key', {blob}, '', {instant}, {instant} FROM numbers;
         INSERT INTO outbox (id, kind, user_id, facts, created_at, due_at, outcome, done_at)
         {numbers} SELECT {id}, 'new_device', {id}, '{{}}', {instant}, {instant}, 'sent', {instant} FROM numbers;
         INSERT INTO audit_events (id, at, actor, actor_id, action, subject, details, batch)
         {numbers} SELECT {id}, {instant}, 'user', {id}, 'signed_in', {id}, '{{}}', 1 + n / 100 FROM numbers;
         INSERT INTO activity (hour, kind, count) {numbers} SELECT {instant}, 'refresh', n FROM numbers;"
    ));
}

#[derive(QueryableByName)]
struct SqliteLine {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// The statements that scan a large table, each with its plan.
pub(crate) fn scans(fixture: &Fixture, dialect: Dialect, statements: &[String]) -> Vec<String> {
    plans(fixture, dialect, statements)
        .into_iter()
        .filter(|(_, plan)| plan.iter().any(|line| is_scan(line)))
        .map(|(sql, plan)| format!("{sql}\n  {}", plan.join("\n  ")))
        .collect()
}

/// The plan of each statement.
pub(crate) fn plans(
    fixture: &Fixture,
    dialect: Dialect,
    statements: &[String],
) -> Vec<(String, Vec<String>)> {
    let address = fixture.address();
    // For an empty list SQLite shows a scan, but evaluates the condition once before the scan would start.
    let statements: Vec<&String> = statements
        .iter()
        .filter(|sql| !sql.ends_with("WHERE (1=0)"))
        .collect();
    match dialect {
        Dialect::Sqlite => {
            let mut c = SqliteConnection::establish(&address).unwrap();
            statements
                .iter()
                .map(|sql| ((*sql).clone(), on_sqlite(&mut c, sql)))
                .collect()
        }
        Dialect::Postgres => {
            let mut c = PgConnection::establish(&address).unwrap();
            // The generic plan of a prepared statement, independent of its parameters.
            c.batch_execute("SET plan_cache_mode = force_generic_plan")
                .unwrap();
            statements
                .iter()
                .map(|sql| ((*sql).clone(), on_postgres(&mut c, sql)))
                .collect()
        }
    }
}

/// SQLite: `SCAN users`, also `SCAN users USING INDEX …`, which reads all of it as well. PostgreSQL: `Seq Scan on users`.
fn is_scan(line: &str) -> bool {
    if OF_WHAT_WAITS.iter().any(|index| line.contains(index)) {
        return false;
    }
    LARGE.iter().any(|table| {
        let words = |start: &str| {
            line.split_once(start)
                .is_some_and(|(_, rest)| rest.split_whitespace().next() == Some(*table))
        };
        words("SCAN ") || words("Seq Scan on ")
    })
}

fn on_sqlite(c: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let plan = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<SqliteLine>(c);
    let plan = plan.unwrap_or_else(|error| panic!("{sql}: {error}"));
    plan.into_iter().map(|line| line.detail).collect()
}

fn on_postgres(c: &mut PgConnection, sql: &str) -> Vec<String> {
    let parameters = (1..).take_while(|n| sql.contains(&format!("${n}"))).count();
    let values = vec!["NULL"; parameters].join(", ");
    let call = if parameters == 0 {
        String::new()
    } else {
        format!("({values})")
    };
    c.batch_execute(&format!("PREPARE hot AS {sql}"))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let plan = diesel::sql_query(format!("EXPLAIN EXECUTE hot{call}")).load::<PostgresLine>(c);
    let plan = plan.unwrap_or_else(|error| panic!("{sql}: {error}"));
    c.batch_execute("DEALLOCATE hot").unwrap();
    plan.into_iter().map(|line| line.line).collect()
}

#[test]
fn a_scan_is_distinguished_from_a_search() {
    assert!(is_scan("SCAN users"));
    assert!(is_scan("SCAN sessions USING INDEX sessions_of_user"));
    assert!(is_scan("  ->  Seq Scan on revocations  (cost=0.00..1.00 rows=1)"));
    assert!(!is_scan("SEARCH users USING INDEX users_email_key (email_key=?)"));
    assert!(!is_scan(
        "Index Scan using users_pkey on users  (cost=0.29..8.30 rows=1)"
    ));
    assert!(!is_scan("SCAN signing_keys"));
    assert!(!is_scan("SCAN audit_events USING INDEX audit_events_unsealed"));
}
