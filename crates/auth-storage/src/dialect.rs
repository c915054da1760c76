//! Everything that differs between SQLite and PostgreSQL for an operation: how a transaction begins, how the clock and the catalogue
//! are read, and what an error means. The rule: everything else is written once, in `ops/`.

use crate::{
    error::{Outage, QueryRefused, StorageError},
    fault::Fault,
    migrations::{
        migration::{Migration, Script},
        tables,
    },
    sqlty::{Instant, Ts},
};
use diesel::{
    PgConnection, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    prelude::*,
    result::{DatabaseErrorKind, Error},
    sql_types::{BigInt, Bool, Text},
};
use std::time::{Duration, Instant as Clock};

/// What an operation needs in addition to queries.
pub(crate) trait Dialect: Connection + Sized {
    /// Runs `work` as one transaction; an error rolls back all of it. It ends within ten seconds (docs/rules.md §1).
    fn in_transaction<T, E: From<Error> + From<Fault>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E>;

    /// The database's clock, from a server that accepts writes.
    fn clock(&mut self) -> Result<Ts, Fault>;

    /// Whether a table exists.
    fn has_table(&mut self, name: &str) -> Result<bool, Fault>;

    /// Whether indexes can be built outside of a transaction, while others write.
    const BUILDS_INDEXES_OUTSIDE_TRANSACTION: bool;

    /// The estimated number of rows of a table of the schema.
    fn about_how_many(&mut self, table: &str) -> Result<u64, Fault>;

    /// Locks the tables that these scripts change: all of them or, after less than a second, none. A request may hold one table and
    /// wait for another. So a run that waited for longer would end in a deadlock, and the request could be its victim.
    fn lock_tables_of(&mut self, scripts: &[&str]) -> Result<(), Fault>;

    /// Runs the script of a migration.
    fn run_script(&mut self, script: &str) -> QueryResult<()>;

    /// Prevents nodes from recording heartbeats until the end of the transaction. `false`: nodes record none on this database.
    fn block_heartbeats(&mut self) -> Result<bool, Fault>;

    /// The script of a migration for this database.
    fn script(migration: &Migration) -> Script;

    /// What an error means, for the caller and for the connection.
    fn meaning(error: &Error) -> Meaning;
}

/// What an error means.
pub(crate) struct Meaning {
    /// The error for the caller.
    pub(crate) error: StorageError,
    /// What happens to the connection, and to the others of its pool.
    pub(crate) connection: Fate,
}

/// What happens to connections after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// The connection is kept.
    Kept,
    /// The connection is closed.
    Closed,
    /// This connection and all that were opened before now are closed: the server went away or is no longer the primary.
    AllClosed,
}

impl Meaning {
    fn kept(error: StorageError) -> Self {
        Self {
            error,
            connection: Fate::Kept,
        }
    }
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct SqliteClock {
    #[diesel(sql_type = Instant)]
    now: Ts,
}

#[derive(QueryableByName)]
struct PostgresClock {
    #[diesel(sql_type = Instant)]
    now: Ts,
    #[diesel(sql_type = Bool)]
    read_only: bool,
}

impl Dialect for SqliteConnection {
    fn in_transaction<T, E: From<Error> + From<Fault>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        // The writer began the transaction; this is a savepoint in it.
        AnsiTransactionManager::begin_transaction(self)?;
        match work(self) {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(self)?;
                Ok(value)
            }
            Err(stop) => rolled_back(self, stop),
        }
    }

    fn clock(&mut self) -> Result<Ts, Fault> {
        let now = "SELECT CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000 AS now";
        Ok(diesel::sql_query(now).get_result::<SqliteClock>(self)?.now)
    }

    fn has_table(&mut self, name: &str) -> Result<bool, Fault> {
        let found = "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = ?";
        let found = diesel::sql_query(found).bind::<Text, _>(name);
        Ok(found.get_result::<Count>(self)?.n > 0)
    }

    const BUILDS_INDEXES_OUTSIDE_TRANSACTION: bool = false;

    fn about_how_many(&mut self, table: &str) -> Result<u64, Fault> {
        let counted = format!("SELECT count(*) AS n FROM {table}");
        Ok(diesel::sql_query(counted)
            .get_result::<Count>(self)?
            .n
            .unsigned_abs())
    }

    fn lock_tables_of(&mut self, _: &[&str]) -> Result<(), Fault> {
        // The transaction of a run locks the whole file.
        Ok(())
    }

    fn run_script(&mut self, script: &str) -> QueryResult<()> {
        self.batch_execute(script)
    }

    fn block_heartbeats(&mut self) -> Result<bool, Fault> {
        Ok(false)
    }

    fn script(migration: &Migration) -> Script {
        migration.sqlite
    }

    fn meaning(error: &Error) -> Meaning {
        let Error::DatabaseError(kind, information) = error else {
            return undescribed(error);
        };
        if let Some(refused) = constraint(kind, information.constraint_name()) {
            return Meaning::kept(refused);
        }
        // Diesel passes SQLite's result codes on only as their fixed English texts (sqlite3_errstr).
        let message = information.message();
        let outage = if message.contains("is locked") {
            Outage::Busy
        } else if message.contains("is full") {
            Outage::DiskFull
        } else if message.contains("readonly") || message.contains("unable to open") {
            Outage::ReadOnly
        } else if message.starts_with("no such")
            || message.contains("has no column")
            || message.contains("syntax error")
        {
            return Meaning::kept(StorageError::Query(QueryRefused::Schema));
        } else {
            Outage::Faulty
        };
        // A busy database works; after any other error a new connection is needed.
        let connection = if outage == Outage::Busy {
            Fate::Kept
        } else {
            Fate::Closed
        };
        Meaning {
            error: StorageError::Unavailable(outage),
            connection,
        }
    }
}

/// BEGIN and the limits of a writing transaction, in one round trip. The limits are LOCAL because a pooler may give each transaction
/// another session; a pooler also refuses start-up options.
const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = 4000; SET LOCAL lock_timeout = 3000; \
                     SET LOCAL idle_in_transaction_session_timeout = 3000";
/// How long after its BEGIN a transaction may still commit: not much longer than the caller waits for it. Even with a stall of 3 s
/// before the COMMIT, it ends within 10 s.
const MAY_COMMIT_FOR: Duration = Duration::from_secs(4);

impl Dialect for PgConnection {
    fn in_transaction<T, E: From<Error> + From<Fault>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let began = Clock::now();
        AnsiTransactionManager::begin_transaction_sql(self, BEGIN)?;
        let done = work(self).and_then(|value| {
            if began.elapsed() < MAY_COMMIT_FOR {
                Ok(value)
            } else {
                Err(E::from(Fault::TooLong))
            }
        });
        match done {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(self)?;
                Ok(value)
            }
            Err(stop) => rolled_back(self, stop),
        }
    }

    fn clock(&mut self) -> Result<Ts, Fault> {
        let now =
            "SELECT clock_timestamp() AS now, current_setting('transaction_read_only') = 'on' AS read_only";
        let clock: PostgresClock = diesel::sql_query(now).get_result(self)?;
        // A demoted primary still answers reads, but its data may be out of date.
        if clock.read_only {
            Err(Fault::Demoted)
        } else {
            Ok(clock.now)
        }
    }

    fn has_table(&mut self, name: &str) -> Result<bool, Fault> {
        let found = diesel::sql_query("SELECT to_regclass($1) IS NOT NULL AS yes").bind::<Text, _>(name);
        Ok(found.get_result::<Flag>(self)?.yes)
    }

    const BUILDS_INDEXES_OUTSIDE_TRANSACTION: bool = true;

    /// Estimated from the table's size if the table was never analysed: PostgreSQL has no row count then.
    fn about_how_many(&mut self, table: &str) -> Result<u64, Fault> {
        let known = "SELECT CASE WHEN reltuples >= 0 THEN reltuples::bigint ELSE pg_relation_size(oid) / 100 END AS n \
                     FROM pg_class WHERE oid = to_regclass($1)";
        let known = diesel::sql_query(known).bind::<Text, _>(table);
        Ok(known.get_result::<Count>(self)?.n.unsigned_abs())
    }

    fn lock_tables_of(&mut self, scripts: &[&str]) -> Result<(), Fault> {
        tables::lock(self, scripts)
    }

    fn run_script(&mut self, script: &str) -> QueryResult<()> {
        tables::give_way(self, script)
    }

    fn block_heartbeats(&mut self) -> Result<bool, Fault> {
        tables::give_way(self, "LOCK TABLE nodes IN SHARE MODE")?;
        Ok(true)
    }

    fn script(migration: &Migration) -> Script {
        migration.postgres
    }

    fn meaning(error: &Error) -> Meaning {
        let Error::DatabaseError(kind, information) = error else {
            return undescribed(error);
        };
        if let Some(refused) = constraint(kind, information.constraint_name()) {
            return Meaning::kept(refused);
        }
        match kind {
            DatabaseErrorKind::ReadOnlyTransaction => demoted(),
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => lost(),
            DatabaseErrorKind::SerializationFailure => Meaning::kept(StorageError::Contended),
            _ => unknown(information.message()),
        }
    }
}

/// Rolls back, and returns the error that caused it. After a broken connection or a full disk the database has rolled back already, so
/// the rollback fails: the first error says more.
fn rolled_back<C, T, E>(c: &mut C, stop: E) -> Result<T, E>
where
    C: Dialect<TransactionManager = AnsiTransactionManager>,
{
    match AnsiTransactionManager::rollback_transaction(c) {
        Ok(()) | Err(Error::BrokenTransactionManager) => {}
        Err(rollback) => {
            tracing::debug!(error = %C::meaning(&rollback).error, "a transaction could not be rolled back");
        }
    }
    Err(stop)
}

/// The meaning of an error for which Diesel passes no SQLSTATE on, taken from PostgreSQL's message. The messages of a server in another
/// language match no pattern, and the last line is right for all of them: unavailable, and a new connection.
fn unknown(message: &str) -> Meaning {
    let closed = |outage| Meaning {
        error: StorageError::Unavailable(outage),
        connection: Fate::Closed,
    };
    if message.contains("terminating connection") || message.contains("server closed the connection") {
        lost()
    } else if message.contains("prepared statement") {
        // The session has lost its prepared statements (DISCARD ALL, a pooler), and Diesel would not prepare them again.
        closed(Outage::ConnectionLost)
    } else if message.contains("does not exist") {
        Meaning::kept(StorageError::Query(QueryRefused::Schema))
    } else if message.contains("timeout") || message.contains("deadlock") {
        closed(Outage::TimedOut)
    } else if message.contains("No space left") || message.contains("could not extend file") {
        closed(Outage::DiskFull)
    } else {
        closed(Outage::Faulty)
    }
}

/// The meaning of a server that accepts no writes.
pub(crate) fn demoted() -> Meaning {
    Meaning {
        error: StorageError::Unavailable(Outage::ReadOnly),
        connection: Fate::AllClosed,
    }
}

fn lost() -> Meaning {
    Meaning {
        error: StorageError::Unavailable(Outage::ConnectionLost),
        connection: Fate::AllClosed,
    }
}

fn constraint(kind: &DatabaseErrorKind, name: Option<&str>) -> Option<StorageError> {
    use DatabaseErrorKind as K;
    let violated = matches!(
        kind,
        K::UniqueViolation
            | K::ForeignKeyViolation
            | K::NotNullViolation
            | K::CheckViolation
            | K::RestrictViolation
            | K::ExclusionViolation
    );
    violated.then(|| StorageError::Query(QueryRefused::Constraint(name.map(str::to_owned))))
}

fn undescribed(error: &Error) -> Meaning {
    match error {
        Error::BrokenTransactionManager | Error::RollbackErrorOnCommit { .. } => Meaning {
            error: StorageError::Unavailable(Outage::ConnectionLost),
            connection: Fate::Closed,
        },
        Error::AlreadyInTransaction | Error::NotInTransaction => Meaning {
            error: StorageError::Query(QueryRefused::Other),
            connection: Fate::Closed,
        },
        _ => Meaning::kept(StorageError::Query(QueryRefused::Other)),
    }
}
