//! Gives a user a long history: 100,000 ended sessions and audit events of the last days, and 10,000 mails.

use crate::{BenchResult, services::Postgres, token_pool};
use diesel::{connection::SimpleConnection, prelude::*};
use std::path::Path;

const SESSIONS: u32 = 100_000;
const MAILS: u32 = 10_000;

/// The statements, from SQL of one database: numbers from 1 on, an id from `n`, and a time some days ago.
fn statements(user: usize, numbers: &str, id: &str, ago: &str) -> String {
    let owner = format!(
        "(SELECT id FROM users WHERE email_key = '{}')",
        token_pool::email(user)
    );
    format!(
        "INSERT INTO sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until, ended_at,
            end_reason, ip, user_agent)
         {numbers} SELECT {id}, {owner}, 0, {ago}, 0, {ago}, {ago}, {ago}, {ago}, 'logout', '192.0.2.1', 'a script' FROM numbers;
         INSERT INTO audit_events (id, at, actor, actor_id, action, subject, details)
         {numbers} SELECT {id}, {ago}, 'user', {owner}, 'signed_in', {owner}, '{{}}' FROM numbers;
         INSERT INTO outbox (id, kind, user_id, facts, created_at, due_at, outcome, done_at)
         {numbers} SELECT {id}, 'new_device', {owner}, '{{}}', {ago}, {ago}, 'sent', {ago} FROM numbers WHERE n <= {MAILS};"
    )
}

/// Gives a user in a SQLite file a long history.
///
/// # Errors
/// If a statement is refused.
pub fn sqlite(file: &Path, user: usize) -> BenchResult<()> {
    let numbers = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {SESSIONS})"
    );
    let day = chrono::Utc::now().timestamp_micros() - super::DAY_MICROS;
    let script = statements(
        user,
        &numbers,
        "printf('01980000-0000-7000-8001-%012x', n)",
        &format!("({day} + n)"),
    );
    let mut c = SqliteConnection::establish(&file.display().to_string())?;
    c.batch_execute(&format!("BEGIN; {script} COMMIT;"))?;
    Ok(())
}

/// Gives a user in a PostgreSQL database a long history.
///
/// # Errors
/// If a statement is refused.
pub fn postgres(server: &Postgres, database: &str, user: usize) -> BenchResult<()> {
    let script = statements(
        user,
        &format!("WITH numbers AS (SELECT generate_series(1, {SESSIONS}) AS n)"),
        "('01980000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid",
        "(now() - interval '1 day' + n * interval '1 microsecond')",
    );
    server.sql(database, &script)?;
    server.sql(database, "VACUUM ANALYZE")?;
    Ok(())
}
