//! Migrations: embedded, forward and back, twins of the same names for both databases.
//!
//! A run is one transaction behind a lock that the transaction holds, so that it works through a pooler, several nodes may
//! try at once, and a half-applied schema can't be. It has a connection of its own, without the limits of a request's.

use crate::{
    dialect::Dialect,
    error::{MigrateError, Outage, StorageError},
    open::Database,
    outcomes::MigrationStatus,
};
use auth_domain::foreign_words::known;
use diesel::{
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    prelude::*,
    sql_types::BigInt,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{collections::BTreeSet, thread};
use tokio::sync::oneshot;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

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

/// The migrations of this version, and those that only the database knows.
pub(crate) fn status(database: &Database, applied: Vec<String>) -> Vec<MigrationStatus> {
    let known = match database {
        Database::Sqlite { .. } => names::<diesel::sqlite::Sqlite>(&SQLITE),
        Database::Postgres { .. } => names::<diesel::pg::Pg>(&POSTGRES),
    };
    let mut applied: BTreeSet<String> = applied.into_iter().collect();
    let mut all: Vec<MigrationStatus> = known
        .into_iter()
        .map(|(stamp, name)| MigrationStatus {
            name,
            applied: applied.remove(&stamp),
            known: true,
        })
        .collect();
    all.extend(applied.into_iter().map(|name| MigrationStatus {
        name,
        applied: true,
        known: false,
    }));
    all
}

fn names<DB: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Vec<(String, String)>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    // The embedded ones are read at compile time; reading them again can't fail.
    let all: Vec<Box<dyn Migration<DB>>> = source.migrations().unwrap_or_default();
    let mut names: Vec<_> = all
        .iter()
        .map(|m| (m.name().version().to_string(), m.name().to_string()))
        .collect();
    names.sort();
    names
}

/// Migrates, on a thread of its own.
pub(crate) async fn run(database: &Database, way: Way) -> Result<Vec<String>, MigrateError> {
    let (tell, told) = oneshot::channel();
    let work: Box<dyn FnOnce() -> Result<Vec<String>, MigrateError> + Send> = match database {
        Database::Sqlite { file, .. } => {
            let path = file.to_string_lossy().into_owned();
            Box::new(move || on_sqlite(&path, way))
        }
        Database::Postgres { url, .. } => {
            let url = std::sync::Arc::clone(url);
            Box::new(move || on_postgres(&url, way))
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

fn on_sqlite(path: &str, way: Way) -> Result<Vec<String>, MigrateError> {
    let mut c = crate::open::sqlite_connection(path, SQLITE_SETTINGS).map_err(unreachable)?;
    told::<SqliteConnection>(c.immediate_transaction(|c| {
        let done = step(c, &SQLITE, way)?;
        let dangling = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM pragma_foreign_key_check");
        if dangling.get_result::<i64>(c)? > 0 {
            return Err(Stop::Failed(
                "the check of the foreign keys".to_owned(),
                "rows refer to nothing".to_owned(),
            ));
        }
        Ok(done)
    }))
}

fn on_postgres(url: &str, way: Way) -> Result<Vec<String>, MigrateError> {
    let mut c = PgConnection::establish(url).map_err(unreachable)?;
    told::<PgConnection>(c.transaction(|c| {
        c.batch_execute(TAKE_LOCK)?;
        step(c, &POSTGRES, way)
    }))
}

/// Why a run was undone.
enum Stop {
    Newer(String),
    Failed(String, String),
    Sql(diesel::result::Error),
}

impl From<diesel::result::Error> for Stop {
    fn from(error: diesel::result::Error) -> Self {
        Self::Sql(error)
    }
}

fn told<C: Dialect>(result: Result<Vec<String>, Stop>) -> Result<Vec<String>, MigrateError> {
    result.map_err(|stop| match stop {
        Stop::Newer(name) => MigrateError::SchemaNewer(name),
        Stop::Failed(what, cause) => MigrateError::Failed { what, cause },
        Stop::Sql(error) => MigrateError::Storage(C::meaning(&error).error),
    })
}

fn step<C, DB>(c: &mut C, source: &EmbeddedMigrations, way: Way) -> Result<Vec<String>, Stop>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let failed = |name: &str, cause: Box<dyn std::error::Error + Send + Sync>| {
        // The database may quote a value of a row.
        Stop::Failed(format!("the migration {name}"), known(&cause.to_string()))
    };
    let catalogue = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Stop::Failed(
            "reading the list of migrations".to_owned(),
            known(&cause.to_string()),
        )
    };
    let mut known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(catalogue)?;
    known.sort_by_key(|m| m.name().version().to_string());
    let applied: Vec<String> = c
        .applied_migrations()
        .map_err(catalogue)?
        .iter()
        .map(ToString::to_string)
        .collect();
    if let Some(stranger) = applied
        .iter()
        .find(|stamp| !known.iter().any(|m| m.name().version().to_string() == **stamp))
    {
        return Err(Stop::Newer(stranger.clone()));
    }
    let has = |m: &dyn Migration<DB>| applied.contains(&m.name().version().to_string());
    let mut done = Vec::new();
    match way {
        Way::Up => {
            for migration in known.iter().filter(|m| !has(m.as_ref())) {
                let name = migration.name().to_string();
                c.run_migration(migration.as_ref())
                    .map_err(|cause| failed(&name, cause))?;
                done.push(name);
            }
        }
        Way::Down => {
            if let Some(migration) = known.iter().rev().find(|m| has(m.as_ref())) {
                let name = migration.name().to_string();
                c.revert_migration(migration.as_ref())
                    .map_err(|cause| failed(&name, cause))?;
                done.push(name);
            }
        }
    }
    Ok(done)
}
