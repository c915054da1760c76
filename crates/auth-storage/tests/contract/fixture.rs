//! The fixture: a migrated database for each test.

use auth_storage::{Backend, DatabaseConfig, Storage, migrations::Migration};
use diesel::{PgConnection, SqliteConnection, connection::SimpleConnection, prelude::*, sql_types::BigInt};
use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The test's database. Clones share it.
#[derive(Clone)]
pub(crate) struct Fixture {
    /// The store.
    pub(crate) db: Storage,
    place: Arc<Place>,
}

enum Place {
    Sqlite(tempfile::TempDir),
    #[cfg_attr(
        not(feature = "services"),
        expect(dead_code, reason = "made by the tests on PostgreSQL")
    )]
    Postgres {
        server: String,
        name: String,
    },
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Fixture {
    /// The configuration that opens this database.
    pub(crate) fn config(&self) -> DatabaseConfig {
        let url = match &*self.place {
            Place::Sqlite(_) => format!("sqlite://{}", self.file().display()),
            Place::Postgres { server, name } => on_server(server, name),
        };
        DatabaseConfig {
            url: url.into(),
            pool_size: 4,
            ..DatabaseConfig::default()
        }
    }

    /// The database's URL, as Diesel expects it.
    pub(crate) fn address(&self) -> String {
        match &*self.place {
            Place::Sqlite(_) => self.file().display().to_string(),
            Place::Postgres { server, name } => on_server(server, name),
        }
    }

    /// A second store on the same database, as in another process.
    pub(crate) async fn another(&self) -> Storage {
        Storage::open(&self.config()).await.unwrap()
    }

    /// A store of a program that knows these migrations.
    pub(crate) async fn knowing(&self, migrations: &[Migration]) -> Storage {
        let migrations = migrations.to_vec().leak();
        Storage::open_knowing(&self.config(), migrations).await.unwrap()
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> PathBuf {
        match &*self.place {
            Place::Sqlite(folder) => folder.path().join("keyward.db"),
            Place::Postgres { .. } => panic!("no file"),
        }
    }

    /// The name of the database on its server.
    #[cfg(feature = "services")]
    pub(crate) fn database(&self) -> String {
        match &*self.place {
            Place::Sqlite(_) => panic!("no server"),
            Place::Postgres { name, .. } => name.clone(),
        }
    }

    /// Whether it is SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.db.backend() == Backend::Sqlite
    }

    /// Runs statements on a separate connection.
    pub(crate) fn execute(&self, sql: &str) {
        match &*self.place {
            Place::Sqlite(_) => self.sqlite().batch_execute(sql).unwrap(),
            Place::Postgres { .. } => {
                PgConnection::establish(&self.address())
                    .unwrap()
                    .batch_execute(sql)
                    .unwrap();
            }
        }
    }

    /// The first value of the column `n`.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.rows::<Number>(sql).first().unwrap().n
    }

    /// Rows of a query.
    pub(crate) fn rows<T>(&self, sql: &str) -> Vec<T>
    where
        T: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        match &*self.place {
            Place::Sqlite(_) => diesel::sql_query(sql).load(&mut self.sqlite()).unwrap(),
            Place::Postgres { .. } => {
                let mut c = PgConnection::establish(&self.address()).unwrap();
                diesel::sql_query(sql).load(&mut c).unwrap()
            }
        }
    }

    fn sqlite(&self) -> SqliteConnection {
        let mut c = SqliteConnection::establish(&self.address()).unwrap();
        c.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;")
            .unwrap();
        c
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Postgres { server, name } = self {
            // A database that could not be dropped must not hide the failure of the test.
            if let Ok(mut c) = PgConnection::establish(server) {
                drop(c.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")));
            }
        }
    }
}

/// The URL of another database on the same server.
fn on_server(server: &str, database: &str) -> String {
    let (place, query) = server
        .split_once('?')
        .map_or((server, String::new()), |(p, q)| (p, format!("?{q}")));
    let (host, _) = place.rsplit_once('/').unwrap();
    format!("{host}/{database}{query}")
}

/// A runtime like the server's.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn with<F: Future<Output = ()>>(place: Place, migrated: bool, test: impl FnOnce(Fixture) -> F) {
    let place = Arc::new(place);
    block_on(async {
        // The store is opened from the URL alone, as in a process.
        let url = match &*place {
            Place::Sqlite(folder) => format!("sqlite://{}", folder.path().join("keyward.db").display()),
            Place::Postgres { server, name } => on_server(server, name),
        };
        let config = DatabaseConfig {
            url: url.into(),
            pool_size: 4,
            ..DatabaseConfig::default()
        };
        let db = Storage::open(&config).await.unwrap();
        if migrated {
            db.migrate_up().await.unwrap();
        }
        test(Fixture {
            db,
            place: Arc::clone(&place),
        })
        .await;
    });
}

/// Runs a test on a new SQLite file.
pub(crate) fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Fixture) -> F) {
    with(Place::Sqlite(tempfile::tempdir().unwrap()), true, test);
}

/// Runs a test on a new SQLite file without any table.
pub(crate) fn on_bare_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Fixture) -> F) {
    with(Place::Sqlite(tempfile::tempdir().unwrap()), false, test);
}

/// Runs a test on a new database of the PostgreSQL server.
#[cfg(feature = "services")]
pub(crate) fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Fixture) -> F) {
    with(new_database(), true, test);
}

/// Runs a test on a new database of the PostgreSQL server without any table.
#[cfg(feature = "services")]
pub(crate) fn on_bare_postgres<F: Future<Output = ()>>(test: impl FnOnce(Fixture) -> F) {
    with(new_database(), false, test);
}

#[cfg(feature = "services")]
fn new_database() -> Place {
    let server =
        std::env::var("KEYWARD_TEST_POSTGRES").expect("KEYWARD_TEST_POSTGRES names a PostgreSQL server");
    let name = format!("keyward_{}_{}", std::process::id(), next());
    let mut c = PgConnection::establish(&server).unwrap();
    c.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .unwrap();
    Place::Postgres { server, name }
}

/// A number that is unique in this process.
pub(crate) fn next() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Waits for all tasks.
pub(crate) async fn all<T>(tasks: impl IntoIterator<Item = tokio::task::JoinHandle<T>>) -> Vec<T> {
    // Collected first, so that all are started before the first is awaited.
    let tasks: Vec<_> = tasks.into_iter().collect();
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
