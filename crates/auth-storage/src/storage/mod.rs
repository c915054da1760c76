//! The store, as the rest of the program sees it. The rule: each method hands one operation to the threads of its database.

mod writing;

use crate::{
    config::{Backend, DatabaseConfig},
    error::{AlreadyServed, OpenError, StorageError},
    migrations::migration::{Migration, embedded},
    open::{self, Database},
    reported_rows::ReportedRows,
    serving::{self, ServeLock},
};
use auth_domain::time::Timestamp;
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use writing::Writes;

/// The store. Cloning it is cheap: all clones share the connections.
#[derive(Clone)]
pub struct Storage {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) database: Database,
    /// The migrations that this program knows, in the order of their stamps.
    pub(crate) migrations: &'static [Migration],
    /// Where the last walk over the sessions stopped.
    pub(crate) walk: Walk,
    pub(crate) writes: Writes,
    /// The unreadable rows that the log has reported.
    pub(crate) reported: Arc<ReportedRows>,
}

/// Where the last walk over the sessions stopped. The next sweep continues there.
pub(crate) type Walk = Arc<Mutex<Option<Uuid>>>;

/// Runs an operation on the right threads: `look` and `read` on SQLite's readers, `write` on its writer; on PostgreSQL all on the pool.
/// A `look` reads one or two rows by their key, and its caller waits for a shorter time. The result of a `write` is remembered
/// (`writing`).
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
    /// Opens the database and connects to it once. It does not migrate. An open store survives outages of the database.
    pub async fn open(config: &DatabaseConfig) -> Result<Self, OpenError> {
        Self::open_knowing(config, embedded()).await
    }

    /// The same for a program that knows these migrations, in the order of their stamps.
    pub async fn open_knowing(
        config: &DatabaseConfig,
        migrations: &'static [Migration],
    ) -> Result<Self, OpenError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let config = config.clone();
        let started = std::thread::Builder::new()
            .name("open-database".to_owned())
            .spawn(move || {
                // The receiver may be gone: what was opened is closed.
                let _: Result<(), _> = sender.send(open::open(&config));
            });
        let lost = |cause: String| OpenError::Server(cause);
        let _thread = started.map_err(|cause| lost(cause.to_string()))?;
        let database = receiver
            .await
            .unwrap_or_else(|cause| Err(lost(cause.to_string())))?;
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                migrations,
                walk: Walk::default(),
                writes: Writes::default(),
                reported: Arc::default(),
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

    /// Claims the right to serve this database. On SQLite one process at a time has it; on PostgreSQL every process does.
    pub fn claim_serving(&self) -> Result<ServeLock, AlreadyServed> {
        serving::claim(&self.inner.database)
    }

    /// The database's clock, from a server that accepts writes.
    pub async fn ping(&self) -> Result<Timestamp, StorageError> {
        run!(self, look, clock::now())
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("backend", &self.backend())
            .finish_non_exhaustive()
    }
}
