//! A run of migrations.
//!
//! It is one transaction behind a lock that the transaction holds, so that it works through a pooler, several nodes may try at
//! once, and a half-applied schema can't be. It has a connection of its own, without the limits of a request's.

use super::Migration;
use crate::{
    dialect::Dialect,
    engine::meaning,
    error::{MigrateError, Outage, StorageError},
    fault::Fault,
    open::Database,
    postgres, sqlite,
};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};
use std::thread;
use tokio::sync::oneshot;

/// "keyward" in an advisory lock's number.
const TAKE_LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 60000; \
                         SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock(7738151096083)";
/// Foreign keys are off, as SQLite's manual has it for changes of a schema: to rebuild a table it is dropped, and what
/// refers to it must not go with it. They are checked before the commit.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                               PRAGMA foreign_keys = OFF;";

/// Which way.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// All that are missing.
    Up,
    /// Back by one.
    Down,
}

/// Why a run was undone.
pub(crate) enum Stop {
    /// The schema has something that this program would have to know.
    Newer(String),
    /// A step failed: which, and what the database said.
    Failed(String, String),
    /// The database failed.
    Fault(Fault),
}

impl<T: Into<Fault>> From<T> for Stop {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

/// Migrates, on a thread of its own.
pub(crate) async fn run(
    database: &Database,
    known: &'static [Migration],
    way: Way,
) -> Result<Vec<String>, MigrateError> {
    let (tell, told) = oneshot::channel();
    let work: Box<dyn FnOnce() -> Result<Vec<String>, MigrateError> + Send> = match database {
        Database::Sqlite { file, .. } => {
            let path = file.to_string_lossy().into_owned();
            Box::new(move || on_sqlite(&path, known, way))
        }
        Database::Postgres { url, .. } => {
            let url = std::sync::Arc::clone(url);
            Box::new(move || on_postgres(&url, known, way))
        }
    };
    let started = thread::Builder::new().name("migrate".to_owned()).spawn(move || {
        // Nobody waits for it any more: it is done all the same.
        let _: Result<(), _> = tell.send(work());
    });
    let lost = || MigrateError::Storage(StorageError::Unavailable(Outage::Faulty));
    match started {
        Ok(_thread) => told.await.unwrap_or_else(|_| Err(lost())),
        Err(_) => Err(lost()),
    }
}

fn unreachable<E>(_: E) -> MigrateError {
    MigrateError::Storage(StorageError::Unavailable(Outage::Unreachable))
}

fn on_sqlite(path: &str, known: &[Migration], way: Way) -> Result<Vec<String>, MigrateError> {
    use sqlite::ops::migrations::{down, up};
    let mut c = crate::open::sqlite_connection(path, SQLITE_SETTINGS).map_err(unreachable)?;
    let outcome = c.immediate_transaction(|c| {
        let done = match way {
            Way::Up => up(c, known)?,
            Way::Down => down(c, known)?,
        };
        let dangling = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM pragma_foreign_key_check");
        if dangling.get_result::<i64>(c)? > 0 {
            return Err(Stop::Failed(
                "the check of the foreign keys".to_owned(),
                "rows refer to nothing".to_owned(),
            ));
        }
        Ok(done)
    });
    outcome.map_err(failed::<SqliteConnection>)
}

fn on_postgres(url: &str, known: &[Migration], way: Way) -> Result<Vec<String>, MigrateError> {
    use postgres::ops::migrations::{down, up};
    let mut c = PgConnection::establish(url).map_err(unreachable)?;
    let outcome = c.transaction(|c| {
        c.batch_execute(TAKE_LOCK)?;
        match way {
            Way::Up => up(c, known),
            Way::Down => down(c, known),
        }
    });
    outcome.map_err(failed::<PgConnection>)
}

fn failed<C: Dialect>(stop: Stop) -> MigrateError {
    match stop {
        Stop::Newer(stamp) => MigrateError::SchemaNewer(stamp),
        Stop::Failed(what, cause) => MigrateError::Failed { what, cause },
        Stop::Fault(fault) => MigrateError::Storage(meaning::<C>(fault).error),
    }
}
