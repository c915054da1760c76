//! Creates expired rows of each kind that the sweep removes, without Keyward. The statements are the same for both databases except for the
//! conversion of a number to an id, a digest and a time. There are no audit events, because only sealed ones are pruned.

use super::{FIRST_MS, Kind};
use crate::{BenchResult, services::Postgres};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};
use std::path::Path;

/// The number of kinds of rows.
pub const KINDS: u64 = 4;

/// The database to fill.
pub enum Target<'a> {
    /// A SQLite file.
    Sqlite(&'a Path),
    /// A PostgreSQL server and the name of a database.
    Postgres(&'a Postgres, &'a str),
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl Target<'_> {
    /// Writes `each` rows of each kind into a database that has the schema and `users` users.
    ///
    /// # Errors
    /// If a statement is refused.
    pub fn fill(&self, each: u64, users: u64) -> BenchResult<()> {
        for statement in self.statements(each, users) {
            self.run(&statement)?;
        }
        match self {
            Target::Sqlite(_) => self.run("ANALYZE"),
            Target::Postgres(..) => self.run("VACUUM ANALYZE"),
        }
    }

    /// The number of rows that are left.
    ///
    /// # Errors
    /// If the statement is refused.
    pub fn left(&self) -> BenchResult<u64> {
        let sql = format!(
            "SELECT (SELECT count(*) FROM revocations WHERE until < {yesterday})
                  + (SELECT count(*) FROM one_time_tokens WHERE expires_at < {yesterday})
                  + (SELECT count(*) FROM sessions WHERE ended_at < {long_ago})
                  + (SELECT count(*) FROM outbox WHERE done_at < {long_ago}) AS rows",
            yesterday = self.ago(1),
            long_ago = self.ago(35),
        );
        let rows = match self {
            Target::Sqlite(file) => {
                let mut c = SqliteConnection::establish(&file.display().to_string())?;
                diesel::sql_query(sql).get_result::<Counted>(&mut c)?.rows
            }
            Target::Postgres(server, database) => server.sql(database, &sql)?.parse()?,
        };
        Ok(u64::try_from(rows)?)
    }

    fn run(&self, statement: &str) -> BenchResult<()> {
        match self {
            Target::Sqlite(file) => {
                let mut c = SqliteConnection::establish(&file.display().to_string())?;
                c.batch_execute(&format!("PRAGMA synchronous = OFF; {statement}"))?;
            }
            Target::Postgres(server, database) => {
                server.sql(database, statement)?;
            }
        }
        Ok(())
    }

    fn statements(&self, each: u64, users: u64) -> [String; 4] {
        let all = format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {each}) SELECT"
        );
        let (id, user) = (
            self.id(Kind::Expired, "n"),
            self.id(Kind::User, &format!("(n % {users})")),
        );
        let (code, yesterday, before, long_ago) = (self.code(), self.ago(2), self.ago(3), self.ago(40));
        [
            format!(
                "INSERT INTO revocations (id, kind, until, recorded_at)
                 {all} {id}, 'token', {yesterday}, {before} FROM numbers"
            ),
            format!(
                "INSERT INTO one_time_tokens (id, kind, user_id, digest, created_at, expires_at)
                 {all} {id}, 'report', {user}, {code}, {before}, {yesterday} FROM numbers"
            ),
            format!(
                "INSERT INTO sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at,
                                       access_until, ended_at, end_reason)
                 {all} {id}, {user}, 0, {long_ago}, 0, {long_ago}, {long_ago}, {long_ago}, {long_ago}, 'logout' FROM numbers"
            ),
            format!(
                "INSERT INTO outbox (id, kind, user_id, facts, created_at, due_at, attempts, outcome, done_at)
                 {all} {id}, 'password_reset', {user}, '{{}}', {long_ago}, {long_ago}, 1, 'sent', {long_ago} FROM numbers"
            ),
        ]
    }

    /// The SQL for a UUIDv7 from a number, as in [`super::id`].
    fn id(&self, kind: Kind, n: &str) -> String {
        let (ms, kind) = (format!("({FIRST_MS} + {n})"), kind as u8);
        match self {
            Target::Sqlite(_) => {
                format!("printf('%08x-%04x-7%03x-8000-%012x', {ms} >> 16, {ms} & 65535, {kind}, {n})")
            }
            Target::Postgres(..) => {
                let hex = |number: &str, digits: u8| format!("lpad(to_hex({number}), {digits}, '0')");
                let (upper, lower) = (hex(&format!("{ms} >> 16"), 8), hex(&format!("{ms} & 65535"), 4));
                let last = hex(&format!("{n}::bigint"), 12);
                format!("({upper} || '-' || {lower} || '-7{kind:03x}-8000-' || {last})::uuid")
            }
        }
    }

    /// The SQL for 32 bytes from a number.
    fn code(&self) -> &'static str {
        match self {
            Target::Sqlite(_) => "CAST(printf('%032d', n) AS BLOB)",
            Target::Postgres(..) => "convert_to(lpad(n::text, 32, '0'), 'UTF8')",
        }
    }

    /// The SQL for the time `days` ago.
    fn ago(&self, days: i64) -> String {
        let at = chrono::Utc::now() - chrono::Duration::days(days);
        match self {
            Target::Sqlite(_) => at.timestamp_micros().to_string(),
            Target::Postgres(..) => format!("'{}'::timestamptz", at.to_rfc3339()),
        }
    }
}
