//! A run of migrations.
//!
//! It is one transaction behind a lock that the transaction holds, so that it works through a pooler, several nodes may try at
//! once, and a half-applied schema can't be. It has a connection of its own, without the limits of a request's. What PostgreSQL
//! can't do in a transaction (`indexes`) is done between two of them.
//!
//! Requests wait behind a statement that waits for a table, and may hold another that the run needs. So a run takes all its tables
//! first, waits for them for a moment only, gives all up, and tries again.

use super::{HeldBack, Migrated, Migration, Rule, indexes};
use crate::{
    dialect::Dialect,
    engine::meaning,
    error::{MigrateError, Outage, StorageError},
    fault::Fault,
    open::Database,
    postgres, sqlite,
};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};
use std::{sync::Arc, thread, time::Duration};
use tokio::{sync::oneshot, time::sleep};

/// "keyward" in an advisory lock's number. Whatever is then waited for, PostgreSQL looks for a deadlock later (1 s).
const TAKE_LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 60000; \
                         SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock(7738151096083); \
                         SET LOCAL lock_timeout = 500";
/// How often a run is tried while its tables are in use.
const TRIES: u32 = 40;
/// How long requests have the tables for themselves in between.
const PAUSE: Duration = Duration::from_millis(1000);
/// Foreign keys are off, as SQLite's manual has it for changes of a schema: to rebuild a table it is dropped, and what
/// refers to it must not go with it. They are checked before the commit.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                               PRAGMA foreign_keys = OFF;";

/// Why a run was undone.
pub(crate) enum Stop {
    /// The schema has something that this program would have to know.
    Newer(String),
    /// A step failed: which, and what the database said.
    Failed(String, String),
    /// The tables of a migration are in use, or another run is at it.
    Busy(String),
    /// The database failed.
    Fault(Fault),
}

impl<T: Into<Fault>> From<T> for Stop {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

/// What one transaction came to.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) applied: Vec<String>,
    pub(crate) held_back: Vec<HeldBack>,
    /// What has to be done outside of a transaction before the run goes on.
    pub(crate) beside: Option<Migration>,
}

/// Applies what is missing.
pub(crate) async fn up(
    database: &Database,
    known: &'static [Migration],
    rule: Rule,
) -> Result<Migrated, MigrateError> {
    match database {
        Database::Sqlite { file, .. } => {
            let path: Arc<str> = file.to_string_lossy().into();
            in_rounds(move |_| on_sqlite(&path, |c| sqlite::ops::migrations::up(c, known, rule, None))).await
        }
        Database::Postgres { url, .. } => {
            let url = Arc::clone(url);
            in_rounds(move |beside| {
                let mut c = PgConnection::establish(&url).map_err(unreachable)?;
                if let Some(migration) = beside {
                    indexes::build(&mut c, migration)?;
                }
                on_postgres(&mut c, |c| postgres::ops::migrations::up(c, known, rule, beside))
            })
            .await
        }
    }
    .map(|(applied, held_back)| Migrated { applied, held_back })
}

/// Takes the newest migration back.
pub(crate) async fn down(
    database: &Database,
    known: &'static [Migration],
) -> Result<Option<String>, MigrateError> {
    let (mut names, _) = match database {
        Database::Sqlite { file, .. } => {
            let path: Arc<str> = file.to_string_lossy().into();
            in_rounds(move |_| on_sqlite(&path, |c| sqlite::ops::migrations::down(c, known))).await
        }
        Database::Postgres { url, .. } => {
            let url = Arc::clone(url);
            in_rounds(move |_| {
                let mut c = PgConnection::establish(&url).map_err(unreachable)?;
                on_postgres(&mut c, |c| postgres::ops::migrations::down(c, known))
            })
            .await
        }
    }?;
    Ok(names.pop())
}

/// Runs transactions on a thread of their own until nothing is left to be done.
async fn in_rounds<W>(work: W) -> Result<(Vec<String>, Vec<HeldBack>), MigrateError>
where
    W: Fn(Option<&Migration>) -> Result<Round, Stopped> + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let (mut applied, mut beside, mut tries) = (Vec::new(), None, 0);
    loop {
        let (tell, told) = oneshot::channel();
        let (to_do, of) = (Arc::clone(&work), beside);
        let started = thread::Builder::new().name("migrate".to_owned()).spawn(move || {
            // The receiver may be gone: the run goes on.
            let _: Result<(), _> = tell.send(to_do(of.as_ref()));
        });
        let lost = || MigrateError::Storage(StorageError::Unavailable(Outage::Faulty));
        let _thread = started.map_err(|_| lost())?;
        match told.await.map_err(|_| lost())? {
            Ok(round) => {
                applied.extend(round.applied);
                beside = round.beside;
                if beside.is_none() {
                    return Ok((applied, round.held_back));
                }
            }
            Err(Stopped::Busy(name)) => {
                tries += 1;
                if tries == TRIES {
                    return Err(MigrateError::Failed {
                        what: format!("the migration {name}"),
                        cause: "its tables are in use all the time".to_owned(),
                    });
                }
                sleep(PAUSE).await;
            }
            Err(Stopped::For(error)) => return Err(error),
        }
    }
}

/// How a round failed.
enum Stopped {
    /// It may be tried again.
    Busy(String),
    /// It may not.
    For(MigrateError),
}

impl From<Stop> for Stopped {
    /// Of statements outside of a transaction, which PostgreSQL alone has.
    fn from(stop: Stop) -> Self {
        stopped::<PgConnection>(stop)
    }
}

fn unreachable<E>(_: E) -> Stopped {
    Stopped::For(MigrateError::Storage(StorageError::Unavailable(
        Outage::Unreachable,
    )))
}

fn on_sqlite(
    path: &str,
    work: impl FnOnce(&mut SqliteConnection) -> Result<Round, Stop>,
) -> Result<Round, Stopped> {
    let mut c = crate::open::sqlite_connection(path, SQLITE_SETTINGS).map_err(unreachable)?;
    let outcome = c.immediate_transaction(|c| {
        let done = work(c)?;
        let dangling = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM pragma_foreign_key_check");
        if dangling.get_result::<i64>(c)? > 0 {
            return Err(Stop::Failed(
                "the check of the foreign keys".to_owned(),
                "rows refer to nothing".to_owned(),
            ));
        }
        Ok(done)
    });
    outcome.map_err(stopped::<SqliteConnection>)
}

fn on_postgres(
    c: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<Round, Stop>,
) -> Result<Round, Stopped> {
    let outcome = c.transaction(|c| {
        c.batch_execute(TAKE_LOCK)?;
        work(c)
    });
    outcome.map_err(stopped::<PgConnection>)
}

fn stopped<C: Dialect>(stop: Stop) -> Stopped {
    Stopped::For(match stop {
        Stop::Busy(name) => return Stopped::Busy(name),
        Stop::Newer(stamp) => MigrateError::SchemaNewer(stamp),
        Stop::Failed(what, cause) => MigrateError::Failed { what, cause },
        Stop::Fault(fault) => MigrateError::Storage(meaning::<C>(fault).error),
    })
}
