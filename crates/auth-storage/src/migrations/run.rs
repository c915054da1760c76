//! A run of migrations. The rule: it is one transaction that holds a lock. So it works through a pooler, several nodes may try at the
//! same time, and no schema is half applied. It has a connection of its own, without the time limits of requests. What PostgreSQL can't
//! do in a transaction (`indexes`) is done between two transactions.
//!
//! Requests queue behind a statement that waits for a table, and may hold another table that the run needs. So a run first locks all of
//! its tables. If it does not get them after a short wait, it rolls back and tries again.

use super::{
    Contracts, HeldBack, Migrated,
    error::{MigrateError, Stop},
    indexes,
    migration::Migration,
};
use crate::{
    dialect::Dialect,
    engine::meaning,
    error::{Outage, StorageError},
    open::Database,
    postgres, sqlite,
};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};
use std::{sync::Arc, thread, time::Duration};
use tokio::{sync::oneshot, time::sleep};

/// Takes the advisory lock of Keyward's migrations, whose number stands for "keyward". Later waits for locks end before PostgreSQL
/// checks for a deadlock (after 1 s).
const TAKE_LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 60000; \
                         SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock(7738151096083); \
                         SET LOCAL lock_timeout = 500";
/// The number of attempts while the tables are in use.
const TRIES: u32 = 40;
/// The pause between two attempts, in which requests can use the tables.
const PAUSE: Duration = Duration::from_millis(1000);
/// Foreign keys are off, as SQLite's manual recommends for schema changes: rebuilding a table drops it, and rows that refer to it must
/// not be deleted with it. They are checked before the commit.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                               PRAGMA foreign_keys = OFF;";

/// The result of one transaction.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) applied: Vec<String>,
    pub(crate) held_back: Vec<HeldBack>,
    /// The migration that has to be done outside of a transaction before the run continues.
    pub(crate) outside_transaction: Option<Migration>,
}

/// Applies the missing migrations.
pub(crate) async fn up(
    database: &Database,
    known: &'static [Migration],
    contracts: Contracts,
) -> Result<Migrated, MigrateError> {
    match database {
        Database::Sqlite { file, .. } => {
            let path: Arc<str> = file.to_string_lossy().into();
            in_rounds::<SqliteConnection>(move |_| {
                on_sqlite(&path, |c| sqlite::ops::migrations::up(c, known, &contracts, None))
            })
            .await
        }
        Database::Postgres { url, .. } => {
            let url = Arc::clone(url);
            in_rounds::<PgConnection>(move |outside_transaction| {
                let connect = || PgConnection::establish(&url).map_err(Stop::unreachable);
                let mut c = connect()?;
                if let Some(migration) = outside_transaction {
                    indexes::build(&mut connect()?, &mut c, migration)?;
                }
                on_postgres(&mut c, |c| {
                    postgres::ops::migrations::up(c, known, &contracts, outside_transaction)
                })
            })
            .await
        }
    }
}

/// Reverts the newest migration.
pub(crate) async fn down(
    database: &Database,
    known: &'static [Migration],
) -> Result<Option<String>, MigrateError> {
    let mut taken_back = match database {
        Database::Sqlite { file, .. } => {
            let path: Arc<str> = file.to_string_lossy().into();
            in_rounds::<SqliteConnection>(move |_| {
                on_sqlite(&path, |c| sqlite::ops::migrations::down(c, known))
            })
            .await
        }
        Database::Postgres { url, .. } => {
            let url = Arc::clone(url);
            in_rounds::<PgConnection>(move |_| {
                let mut c = PgConnection::establish(&url).map_err(Stop::unreachable)?;
                on_postgres(&mut c, |c| postgres::ops::migrations::down(c, known))
            })
            .await
        }
    }?;
    Ok(taken_back.applied.pop())
}

/// Runs transactions, each on a thread of its own, until nothing is left to do.
async fn in_rounds<C: Dialect>(
    work: impl Fn(Option<&Migration>) -> Result<Round, Stop> + Send + Sync + 'static,
) -> Result<Migrated, MigrateError> {
    let work = Arc::new(work);
    let (mut done, mut outside_transaction, mut tries) = (Migrated::default(), None, 0);
    let cause = loop {
        let (sender, receiver) = oneshot::channel();
        let (to_do, of) = (Arc::clone(&work), outside_transaction);
        let started = thread::Builder::new().name("migrate".to_owned()).spawn(move || {
            let ended = to_do(of.as_ref());
            // The run releases the right to serve before its caller learns that it has ended.
            drop(to_do);
            // The receiver may be gone. The run continues.
            let _: Result<(), _> = sender.send(ended);
        });
        // If the thread did not start, the channel is closed and nothing is sent.
        drop(started);
        match receiver.await {
            Ok(Ok(round)) => {
                done.applied.extend(round.applied);
                outside_transaction = round.outside_transaction;
                if outside_transaction.is_none() {
                    done.held_back = round.held_back;
                    return Ok(done);
                }
            }
            Ok(Err(Stop::Busy)) => {
                tries += 1;
                if tries == TRIES {
                    break MigrateError::Busy;
                }
                sleep(PAUSE).await;
            }
            Ok(Err(Stop::Error(error))) => break error,
            Ok(Err(Stop::Fault(fault))) => break meaning::<C>(fault).error.into(),
            Err(_) => break StorageError::Unavailable(Outage::Faulty).into(),
        }
    };
    Err(if done.applied.is_empty() {
        cause
    } else {
        MigrateError::Partly {
            applied: done.applied,
            cause: Box::new(cause),
        }
    })
}

fn on_sqlite(
    path: &str,
    work: impl FnOnce(&mut SqliteConnection) -> Result<Round, Stop>,
) -> Result<Round, Stop> {
    let mut c = crate::open::sqlite_connection(path, SQLITE_SETTINGS).map_err(Stop::unreachable)?;
    c.immediate_transaction(|c| {
        let done = work(c)?;
        let dangling = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM pragma_foreign_key_check");
        if dangling.get_result::<i64>(c)? > 0 {
            return Err(Stop::failed(
                "the check of the foreign keys",
                "rows refer to nothing",
            ));
        }
        Ok(done)
    })
}

fn on_postgres(
    c: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<Round, Stop>,
) -> Result<Round, Stop> {
    c.transaction(|c| {
        c.batch_execute(TAKE_LOCK)?;
        work(c)
    })
}
