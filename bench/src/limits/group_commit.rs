//! SQLite alone: one thread rotates sessions with the product's two statements, 64 in each commit, which is flushed to the disk
//! (`synchronous=FULL`), without a queue and without HTTP.

use crate::BenchResult;
use diesel::{
    connection::SimpleConnection,
    dsl::{case_when, exists},
    prelude::*,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tables::{sessions, users};

/// The number of rotations in a commit.
const BATCH: usize = 64;
/// The settings with which the product opens its database.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                        PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;";
const HOUR: i64 = 3_600_000_000;

mod tables {
    diesel::table! {
        users (id) {
            id -> Text,
            email -> Text,
            name -> Nullable<Text>,
            role -> Text,
            status -> Text,
            email_verified_at -> Nullable<BigInt>,
            created_at -> BigInt,
            last_login_at -> Nullable<BigInt>,
            token_generation -> BigInt,
        }
    }

    diesel::table! {
        sessions (id) {
            id -> Text,
            user_id -> Text,
            generation -> BigInt,
            created_at -> BigInt,
            rotation -> BigInt,
            rotated_at -> BigInt,
            refresh_expires_at -> BigInt,
            access_until -> BigInt,
            idempotency_digest -> Nullable<Binary>,
            ended_at -> Nullable<BigInt>,
            end_reason -> Nullable<Text>,
            ip -> Nullable<Text>,
            user_agent -> Nullable<Text>,
            authenticated_at -> Nullable<BigInt>,
            authentications -> BigInt,
            amr -> Text,
        }
    }

    diesel::joinable!(sessions -> users (user_id));
    diesel::allow_tables_to_appear_in_same_query!(users, sessions);
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
#[expect(dead_code, reason = "read because the product reads it")]
struct Session {
    id: String,
    user_id: String,
    generation: i64,
    created_at: i64,
    rotation: i64,
    rotated_at: i64,
    refresh_expires_at: i64,
    access_until: i64,
    idempotency_digest: Option<Vec<u8>>,
    ended_at: Option<i64>,
    end_reason: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    authenticated_at: Option<i64>,
    authentications: i64,
    amr: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
#[expect(dead_code, reason = "read because the product reads it")]
struct User {
    id: String,
    email: String,
    name: Option<String>,
    role: String,
    status: String,
    email_verified_at: Option<i64>,
    created_at: i64,
    last_login_at: Option<i64>,
    token_generation: i64,
}

/// The bare writer, on a copy of the product's database.
pub struct Writer {
    connection: SqliteConnection,
    sessions: Vec<String>,
    next: usize,
}

impl Writer {
    /// Opens a copy and lists the sessions that can be refreshed.
    ///
    /// # Errors
    /// If the copy can't be opened or has no such session.
    pub fn open(file: &Path) -> BenchResult<Self> {
        let mut connection = SqliteConnection::establish(&file.display().to_string())?;
        connection.batch_execute(SETTINGS)?;
        let live: Vec<String> = sessions::table
            .filter(sessions::ended_at.is_null())
            .order(sessions::id)
            .limit(1_024)
            .select(sessions::id)
            .load(&mut connection)?;
        if live.is_empty() {
            return Err("the copy has no session".into());
        }
        Ok(Self {
            connection,
            sessions: live,
            next: 0,
        })
    }

    /// The durable rotations a second.
    ///
    /// # Errors
    /// If a rotation fails.
    pub fn per_second(&mut self, time: Duration) -> BenchResult<f64> {
        let begun = Instant::now();
        let mut rotations = 0_usize;
        while begun.elapsed() < time {
            self.connection.batch_execute("BEGIN IMMEDIATE")?;
            for _ in 0..BATCH {
                self.rotate()?;
            }
            self.connection.batch_execute("COMMIT")?;
            rotations += BATCH;
        }
        Ok(rotations as f64 / begun.elapsed().as_secs_f64())
    }

    /// The statement that reads a session with its user. A test compares its columns with the schema.
    #[must_use]
    pub fn reading() -> String {
        let read = sessions::table
            .inner_join(users::table)
            .select((Session::as_select(), User::as_select()));
        diesel::debug_query::<diesel::sqlite::Sqlite, _>(&read).to_string()
    }

    fn rotate(&mut self) -> BenchResult<()> {
        let id = self.sessions.get(self.next).ok_or("no session")?;
        self.next = (self.next + 1) % self.sessions.len();
        let (session, user): (Session, User) = sessions::table
            .inner_join(users::table)
            .filter(sessions::id.eq(id))
            .select((Session::as_select(), User::as_select()))
            .first(&mut self.connection)?;
        let now = session.rotated_at + 1;
        let until = now + HOUR;
        let same_user = users::table
            .find(&user.id)
            .filter(users::status.eq("active"))
            .filter(users::token_generation.eq(user.token_generation));
        let same = sessions::table
            .find(&session.id)
            .filter(sessions::rotation.eq(session.rotation))
            .filter(sessions::generation.eq(session.generation))
            .filter(sessions::ended_at.is_null())
            .filter(exists(same_user));
        let _after: Session = diesel::update(same)
            .set((
                sessions::rotation.eq(session.rotation + 1),
                sessions::rotated_at.eq(now),
                sessions::refresh_expires_at.eq(now + 30 * 24 * HOUR),
                sessions::idempotency_digest.eq(None::<Vec<u8>>),
                sessions::access_until.eq(case_when::<_, _, diesel::sql_types::BigInt>(
                    sessions::access_until.lt(until),
                    until,
                )
                .otherwise(sessions::access_until)),
            ))
            .returning(Session::as_returning())
            .get_result(&mut self.connection)?;
        Ok(())
    }
}
