//! Creates many users with one session each, fast and without Keyward: by COPY in PostgreSQL, and by one statement in SQLite. The rows look
//! like those of the product: ascending UUIDv7, a cheap hash of one password, numbered addresses.

pub mod expired;
pub mod past;

use crate::{
    BenchResult,
    limits::hash_loop,
    server::CHEAP_MEMORY,
    services::Postgres,
    token_pool::{self, PASSWORD},
};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use std::path::Path;

/// The ids of users and sessions have one millisecond each from here on (since 1970), which is before any id that the product creates.
const FIRST_MS: u64 = 1_735_689_600_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// The kind of row that an id belongs to.
#[derive(Clone, Copy)]
enum Kind {
    User = 1,
    Session = 2,
    Expired = 3,
}

/// A UUIDv7 for a number.
fn id(kind: Kind, number: u64) -> String {
    let ms = FIRST_MS + number;
    format!(
        "{:08x}-{:04x}-7{:03x}-8000-{number:012x}",
        ms >> 16,
        ms & 0xffff,
        kind as u8
    )
}

fn hash() -> BenchResult<String> {
    hash_loop::phc(PASSWORD, (CHEAP_MEMORY, 1, 1))
}

/// Fills an empty PostgreSQL database that has the schema.
///
/// # Errors
/// If a statement is refused.
pub fn postgres(server: &Postgres, database: &str, users: u64) -> BenchResult<()> {
    let hash = hash()?;
    // Indexes other than primary keys are built afterwards, which is faster.
    let indexes = server.sql(
        database,
        "SELECT indexname || '|' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename IN ('users', 'sessions') \
         AND indexname NOT LIKE '%_pkey'",
    )?;
    let indexes: Vec<(&str, &str)> = indexes.lines().filter_map(|line| line.split_once('|')).collect();
    for (name, _) in &indexes {
        server.sql(database, &format!("DROP INDEX {name}"))?;
    }
    let now = chrono::Utc::now();
    let (created, expires, until) = (
        now.to_rfc3339(),
        (now + chrono::Duration::days(29)).to_rfc3339(),
        (now + chrono::Duration::hours(1)).to_rfc3339(),
    );
    server.copy(
        database,
        "users (id, email, email_key, password_hash, role, status, created_at, updated_at, token_generation)",
        |out| {
            (0..users).try_for_each(|n| {
                let (id, email) = (id(Kind::User, n), token_pool::email(n as usize));
                writeln!(
                    out,
                    "{id}\t{email}\t{email}\t{hash}\tuser\tactive\t{created}\t{created}\t0"
                )
            })
        },
    )?;
    server.copy(
        database,
        "sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until)",
        |out| {
            (0..users).try_for_each(|n| {
                let (session, user) = (id(Kind::Session, n), id(Kind::User, n));
                writeln!(
                    out,
                    "{session}\t{user}\t0\t{created}\t0\t{created}\t{expires}\t{until}"
                )
            })
        },
    )?;
    for (_, definition) in &indexes {
        server.sql(
            database,
            &format!("SET maintenance_work_mem = '1GB'; {definition}"),
        )?;
    }
    server.sql(database, "VACUUM ANALYZE")?;
    server.sql(database, "CHECKPOINT")?;
    Ok(())
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// Fills an empty SQLite file that has the schema.
///
/// # Errors
/// If a statement is refused.
pub fn sqlite(file: &Path, users: u64) -> BenchResult<()> {
    let hash = hash()?;
    let mut c = SqliteConnection::establish(&file.display().to_string())?;
    c.batch_execute(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -1000000;
         PRAGMA temp_store = FILE; PRAGMA foreign_keys = OFF;",
    )?;
    let indexes: Vec<Index> = diesel::sql_query(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('users', 'sessions') AND sql IS NOT NULL",
    )
    .load(&mut c)?;
    let now = chrono::Utc::now().timestamp_micros();
    let (expires, until) = (now + 29 * DAY_MICROS, now + DAY_MICROS / 24);
    let numbers = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {users})"
    );
    let id = |kind: Kind| {
        format!(
            "printf('%08x-%04x-7%03x-8000-%012x', ({FIRST_MS} + n) >> 16, ({FIRST_MS} + n) & 65535, {}, n)",
            kind as u8
        )
    };
    let (user, session) = (id(Kind::User), id(Kind::Session));
    let email = "'bench' || n || '@example.com'";
    let mut script = String::from("BEGIN;");
    for index in &indexes {
        script.push_str(&format!("DROP INDEX {};", index.name));
    }
    script.push_str(&format!(
        "INSERT INTO users (id, email, email_key, password_hash, role, status, created_at, updated_at, token_generation)
         {numbers} SELECT {user}, {email}, {email}, '{hash}', 'user', 'active', {now}, {now}, 0 FROM numbers;
         INSERT INTO sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until)
         {numbers} SELECT {session}, {user}, 0, {now}, 0, {now}, {expires}, {until} FROM numbers;"
    ));
    for index in &indexes {
        script.push_str(&index.sql);
        script.push(';');
    }
    script.push_str("COMMIT; PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL;");
    c.batch_execute(&script)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_are_of_version_7() {
        let ids: Vec<String> = (0..70_000).step_by(7_000).map(|n| id(Kind::User, n)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        let parsed = uuid::Uuid::parse_str(&ids[1]).unwrap();
        assert_eq!(parsed.get_version_num(), 7);
        assert_eq!(parsed.get_variant(), uuid::Variant::RFC4122);
        assert_ne!(id(Kind::User, 1), id(Kind::Session, 1));
    }
}
