//! The data of a test's server. The rule: tests share nothing. Each has its own SQLite file, or its own database on the throwaway
//! PostgreSQL and its own keys in the throwaway Redis.

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;

/// What a server runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite alone: one node.
    Sqlite,
    /// PostgreSQL and Redis: any number of nodes.
    Fleet,
    /// PostgreSQL without Redis.
    Postgres,
}

/// A backend's data, gone when it is dropped.
pub struct Database {
    /// The kind of backend.
    pub backend: Backend,
    /// A folder of the test's own.
    pub folder: TempDir,
    name: Option<String>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A variable that `scripts/with-services.sh` sets.
///
/// # Panics
/// If it is not set: the feature `services` promises the services.
#[must_use]
pub fn service(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run this with scripts/with-services.sh"))
}

impl Database {
    /// An empty one.
    ///
    /// # Panics
    /// If it can't be made.
    #[must_use]
    pub fn create(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = (backend != Backend::Sqlite).then(|| {
            let name = format!(
                "keyward_{}_{}",
                std::process::id(),
                NUMBER.fetch_add(1, Ordering::Relaxed)
            );
            postgres_tool("createdb", &[&name]);
            name
        });
        Self {
            backend,
            folder,
            name,
        }
    }

    /// Its URL, for `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.name {
            None => format!("sqlite://{}", self.folder.path().join("keyward.db").display()),
            Some(name) => {
                let base = service("KEYWARD_TEST_POSTGRES");
                let (server, _) = base.rsplit_once('/').unwrap();
                format!("{server}/{name}")
            }
        }
    }

    /// The environment that points a server at it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("DATABASE_URL".to_owned(), self.url()),
            (
                "KEYWARD__DATA__DIR".to_owned(),
                self.folder.path().display().to_string(),
            ),
        ];
        if self.backend != Backend::Sqlite {
            all.push((
                "KEYWARD_MASTER_KEY".to_owned(),
                "a2V5d2FyZCBlbmQtdG8tZW5kIHRlc3RzIG9ubHkgISE=".to_owned(),
            ));
            all.push(("KEYWARD__DATABASE__AUTO_MIGRATE".to_owned(), "true".to_owned()));
        }
        if self.backend == Backend::Fleet {
            all.push(("REDIS_URL".to_owned(), service("KEYWARD_TEST_REDIS")));
            for section in ["BLACKLIST", "LIMITS"] {
                let variable = format!("KEYWARD__{section}__REDIS_PREFIX");
                all.push((variable, self.name.clone().unwrap()));
            }
        }
        all
    }

    /// Runs statements on it, as an attacker with its file or its password would.
    ///
    /// # Panics
    /// If one fails.
    pub fn sql(&self, statements: &str) {
        if self.name.is_some() {
            self.psql(statements);
            return;
        }
        let file = self.folder.path().join("keyward.db");
        let mut connection = SqliteConnection::establish(&file.display().to_string()).unwrap();
        let whole = format!("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE; {statements}; COMMIT");
        connection.batch_execute(&whole).unwrap();
    }

    /// Runs SQL on it, as an operator would with `psql`, for states that no request can create, such as a corrupt row.
    ///
    /// # Panics
    /// If it fails, or on SQLite.
    pub fn psql(&self, sql: &str) -> String {
        postgres_tool(
            "psql",
            &[
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                self.name.as_ref().unwrap(),
                "-c",
                sql,
            ],
        )
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            postgres_tool("dropdb", &["--force", "--if-exists", name]);
        }
    }
}

/// Runs one of PostgreSQL's client programs against the throwaway server.
fn postgres_tool(tool: &str, arguments: &[&str]) -> String {
    let program = PathBuf::from(service("KEYWARD_TEST_PG_BIN")).join(tool);
    let url = service("KEYWARD_TEST_POSTGRES");
    let (credentials, address) = url.split_once("://").unwrap().1.split_once('@').unwrap();
    let (host_port, _) = address.split_once('/').unwrap();
    let (host, port) = host_port.split_once(':').unwrap();
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let output = Command::new(program)
        .args(arguments)
        .envs([
            ("PGHOST", host),
            ("PGPORT", port),
            ("PGUSER", user),
            ("PGPASSWORD", password),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{tool}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
