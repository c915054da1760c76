//! PostgreSQL alone: pgbench sends the product's statements, prepared, over as many connections as the product's pool has
//! (`database.pool_size`), with all cores available.
//!
//! Each client has its own rows, so that none waits for another's lock. Their ids are in the script as text, because pgbench's variables are
//! numbers.

use crate::{BenchResult, services::Postgres};
use std::{fmt::Write as _, path::Path};

/// The shipped number of connections in the product's pool.
pub const CONNECTIONS: usize = 8;
/// The number of rows of each client.
pub const ROWS: usize = 4;

/// The columns of a session in the order of the product's statements.
pub const SESSION: &str = "s.id, s.user_id, s.generation, s.created_at, s.rotation, s.rotated_at, s.refresh_expires_at, \
                       s.access_until, s.idempotency_digest, s.ended_at, s.end_reason, s.ip, s.user_agent, \
                       s.authenticated_at, s.authentications, s.amr";
/// The columns of a user in the order of the product's statements.
pub const USER: &str = "u.id, u.email, u.name, u.role, u.status, u.email_verified_at, u.created_at, \
                    u.last_login_at, u.token_generation";

/// A script that runs `statements` with a random one of the client's ids.
fn script(ids: &[String], statements: impl Fn(&str) -> String) -> String {
    let mut text = format!("\\set row :client_id * {ROWS} + random(0, {})\n", ROWS - 1);
    for (row, id) in ids.iter().enumerate() {
        let word = if row == 0 { "if" } else { "elif" };
        let _infallible = write!(text, "\\{word} :row = {row}\n{}", statements(id));
    }
    text.push_str("\\endif\n");
    text
}

/// A script that reads one user by the primary key, as `/me` does.
#[must_use]
pub fn read_user(ids: &[String]) -> String {
    script(ids, |id| {
        format!("SELECT {USER} FROM users u WHERE u.id = '{id}' LIMIT 1;\n")
    })
}

/// A script of a rotation: it reads the session with its user, and runs the update that is guarded by what was read.
#[must_use]
pub fn rotate(ids: &[String]) -> String {
    script(ids, |id| {
        format!(
            "SELECT {SESSION}, {USER_OF} FROM sessions s JOIN users u ON s.user_id = u.id WHERE s.id = '{id}' LIMIT 1 \\gset\n\
             UPDATE sessions s SET rotation = :rotation + 1, rotated_at = now(), refresh_expires_at = now() + interval '30 days', \
             idempotency_digest = NULL, access_until = CASE WHEN s.access_until < now() + interval '1 hour' \
             THEN now() + interval '1 hour' ELSE s.access_until END \
             WHERE s.id = '{id}' AND s.rotation = :rotation AND s.generation = :generation AND s.ended_at IS NULL \
             AND EXISTS (SELECT 1 FROM users u WHERE u.id = :user_id AND u.status = 'active' \
             AND u.token_generation = :token_generation) RETURNING {SESSION};\n"
        )
    })
}

/// The user's columns under names that differ from the session's.
const USER_OF: &str = "u.id AS u_id, u.email, u.name, u.role, u.status, u.email_verified_at, u.created_at AS u_created_at, \
                       u.last_login_at, u.token_generation";

/// Runs a script and returns the transactions a second.
///
/// # Errors
/// If pgbench fails or reports no rate.
pub fn per_second(
    postgres: &Postgres,
    database: &str,
    folder: &Path,
    script: &str,
    seconds: u32,
) -> BenchResult<f64> {
    let file = folder.join("pgbench.sql");
    std::fs::write(&file, script)?;
    let threads = std::thread::available_parallelism()?.get().min(CONNECTIONS);
    let output = postgres
        .client("pgbench", database)
        .args(["-n", "-M", "prepared", "-c", &CONNECTIONS.to_string()])
        .args(["-j", &threads.to_string(), "-T", &seconds.to_string(), "-f"])
        .arg(&file)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    rate(&text).ok_or_else(|| format!("pgbench reported no rate: {text}").into())
}

fn rate(output: &str) -> Option<f64> {
    let line = output.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_parsed_from_the_output_of_pgbench() {
        let text = "latency average = 0.1 ms\ntps = 12345.6 (without initial connection time)\n";
        assert_eq!(rate(text), Some(12345.6));
        assert_eq!(rate("pgbench: error"), None);
    }

    #[test]
    fn there_are_as_many_connections_as_the_pool_has() {
        assert_eq!(CONNECTIONS, crate::paths::shipped("pool_size") as usize);
    }

    #[test]
    fn a_rotation_reads_the_same_of_the_user_under_other_names() {
        let columns: Vec<&str> = USER_OF
            .split(", ")
            .filter_map(|one| one.split(' ').next())
            .collect();
        assert_eq!(columns.join(", "), USER);
    }

    #[test]
    fn each_row_has_a_branch_of_its_own() {
        let text = read_user(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(text.matches("SELECT").count(), 2);
        assert!(text.contains("\\if :row = 0\n") && text.contains("\\elif :row = 1\n"));
        assert!(text.ends_with("\\endif\n"));
    }
}
