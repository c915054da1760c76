//! The store, as the rest of the program sees it: each method hands one operation to the threads of its database.

mod writing;

use crate::{
    Backend, DatabaseConfig,
    error::{AlreadyServed, MigrateError, OpenError, StorageError},
    migrations::{self, Contracts, Migrated, Migration, Schema},
    named::Named,
    open::{self, Database},
    serving::{self, ServeLock},
    sweep::Walk,
};
use auth_domain::time::Timestamp;
use std::sync::Arc;
use writing::Writes;

/// The store. Cloning it is cheap: all clones share the connections.
#[derive(Clone)]
pub struct Storage {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) database: Database,
    /// Those that this program knows, in the order of their stamps.
    migrations: &'static [Migration],
    /// Where the last walk over the sessions stopped.
    pub(crate) walk: Walk,
    pub(crate) writes: Writes,
    /// The rows that the log has named.
    pub(crate) named: Arc<Named>,
}

/// Runs an operation where it belongs: `look` and `read` on SQLite's readers, `write` on its writer; on PostgreSQL all on the pool.
/// A `look` is a read of a row or two by their key, and its caller waits for less long; how a `write` ends is remembered (`writing`).
macro_rules! run {
    ($storage:expr, write, $noun:ident::$operation:ident($($argument:expr),* $(,)?)) => {{
        let outcome = run!(@on $storage, write, Work, $noun::$operation($($argument),*));
        $storage.inner.writes.ended(&outcome);
        outcome
    }};
    ($storage:expr, read, $noun:ident::$operation:ident($($argument:expr),* $(,)?)) => {
        run!(@on $storage, read, Work, $noun::$operation($($argument),*))
    };
    ($storage:expr, look, $noun:ident::$operation:ident($($argument:expr),* $(,)?)) => {
        run!(@on $storage, read, Look, $noun::$operation($($argument),*))
    };
    (@on $storage:expr, $how:ident, $haste:ident, $noun:ident::$operation:ident($($argument:expr),*)) => {
        match &$storage.inner.database {
            $crate::open::Database::Sqlite { writer: _writer, readers: _readers, .. } => {
                run!(@sqlite $how, _writer, _readers)
                    .run($crate::engine::Haste::$haste, move |c| {
                        $crate::sqlite::ops::$noun::$operation(c, $($argument),*)
                    })
                    .await
            }
            $crate::open::Database::Postgres { pool, .. } => {
                pool.run($crate::engine::Haste::$haste, move |c| {
                    $crate::postgres::ops::$noun::$operation(c, $($argument),*)
                })
                .await
            }
        }
    };
    (@sqlite read, $writer:ident, $readers:ident) => { $readers };
    (@sqlite write, $writer:ident, $readers:ident) => { $writer };
}
pub(crate) use run;

impl Storage {
    /// Opens the database and reaches it once. It does not migrate; once open, it outlives the database's outages.
    ///
    /// # Errors
    /// See [`OpenError`]: each says the cause and the mend.
    pub async fn open(config: &DatabaseConfig) -> Result<Self, OpenError> {
        Self::open_knowing(config, migrations::embedded()).await
    }

    /// The same for a program that knows these migrations, in the order of their stamps.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_knowing(
        config: &DatabaseConfig,
        migrations: &'static [Migration],
    ) -> Result<Self, OpenError> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let config = config.clone();
        let started = std::thread::Builder::new()
            .name("open-database".to_owned())
            .spawn(move || {
                // The receiver may be gone: what was opened is closed.
                let _: Result<(), _> = tell.send(open::open(&config));
            });
        let lost = |cause: String| OpenError::Server(cause);
        let _thread = started.map_err(|cause| lost(cause.to_string()))?;
        let database = told.await.unwrap_or_else(|cause| Err(lost(cause.to_string())))?;
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                migrations,
                walk: Walk::default(),
                writes: Writes::default(),
                named: Arc::default(),
            }),
        })
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self.inner.database {
            Database::Sqlite { .. } => Backend::Sqlite,
            Database::Postgres { .. } => Backend::Postgres,
        }
    }

    /// Claims the right to serve this database. On SQLite one process at a time has it; on PostgreSQL everyone does.
    ///
    /// # Errors
    /// [`AlreadyServed`].
    pub fn claim_serving(&self) -> Result<ServeLock, AlreadyServed> {
        serving::claim(&self.inner.database)
    }

    /// The database's clock, asked of a server that takes writes.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn ping(&self) -> Result<Timestamp, StorageError> {
        run!(self, look, clock::now())
    }

    /// Where the schema stands.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn schema(&self) -> Result<Schema, StorageError> {
        let (applied, floor) = run!(self, look, migrations::standing())?;
        Ok(Schema::new(self.inner.migrations, applied, floor))
    }

    /// Applies the migrations that are missing. Those that contract wait while something serves the database that does not know
    /// them.
    ///
    /// # Errors
    /// See [`MigrateError`].
    pub async fn migrate_up(&self) -> Result<Migrated, MigrateError> {
        // On SQLite this lock means serving: no server can start until the run ends.
        match self.claim_serving() {
            Ok(lock) => self.migrate_up_with(Contracts::of(&lock)).await,
            Err(_) => self.migrate_up_with(Contracts::Wait).await,
        }
    }

    /// The same, and says which of those that contract may be applied.
    ///
    /// # Errors
    /// See [`MigrateError`].
    pub async fn migrate_up_with(&self, contracts: Contracts<'_>) -> Result<Migrated, MigrateError> {
        migrations::run::up(&self.inner.database, self.inner.migrations, contracts.rule()).await
    }

    /// Takes the newest migration back and names it.
    ///
    /// # Errors
    /// See [`MigrateError`].
    pub async fn migrate_down(&self) -> Result<Option<String>, MigrateError> {
        migrations::run::down(&self.inner.database, self.inner.migrations).await
    }

    /// A migration that this program knows.
    #[must_use]
    pub fn migration(&self, name: &str) -> Option<&'static Migration> {
        self.inner
            .migrations
            .iter()
            .find(|migration| migration.name == name)
    }

    /// About how many rows a table of the schema has; none where there is no such table.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn about_how_many(&self, table: String) -> Result<u64, StorageError> {
        run!(self, read, migrations::rows_of(&table))
    }

    /// The stamp of the newest migration that this program knows.
    pub(crate) fn knows(&self) -> String {
        self.inner
            .migrations
            .last()
            .map(Migration::stamp)
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("backend", &self.backend())
            .finish_non_exhaustive()
    }
}
