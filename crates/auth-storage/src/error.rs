//! The errors of the store. The rule: no message contains a value of a row, a parameter or a secret.
//!
//! A failure of the store is never "not found" and never the caller's fault: every variant of [`StorageError`] becomes a 5xx.

use std::{fmt, path::PathBuf};

/// The store failed. The operation was rolled back; if the connection broke during the commit, it is unknown whether it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The database can't be reached or does not work at present: 503.
    #[error("the database is unavailable: {0}")]
    Unavailable(Outage),
    /// There are more requests than the database can answer in time: 503, with Retry-After.
    #[error("the database gets more requests than it can answer in time")]
    Overloaded,
    /// Concurrent requests changed the session each time before a decision about it could be written: 503.
    #[error("other requests are changing the session at the same time")]
    Contended,
    /// A row has a value that is invalid in the domain.
    #[error("the row {id} of {table} has no valid {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        id: String,
    },
    /// The database refused a statement that it should have accepted: a bug of this program, or another schema.
    #[error("the database refused a statement: {0}")]
    Query(QueryRefused),
}

impl StorageError {
    /// Whether a later attempt may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Overloaded | Self::Contended)
    }
}

/// Why the database is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// No connection can be opened.
    Unreachable,
    /// The connection broke during the operation.
    ConnectionLost,
    /// It accepts no writes: a demoted primary, a read-only file or folder.
    ReadOnly,
    /// Another process holds its lock.
    Busy,
    /// Its disk is full.
    DiskFull,
    /// It did not answer in time.
    TimedOut,
    /// It, or the disk below it, reported a fault.
    Faulty,
    /// This program is stopping.
    Stopping,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "no connection can be opened",
            Self::ConnectionLost => "the connection was lost",
            Self::ReadOnly => "it accepts no writes",
            Self::Busy => "another process holds its lock",
            Self::DiskFull => "its disk is full",
            Self::TimedOut => "it did not answer in time",
            Self::Faulty => "it reported a fault",
            Self::Stopping => "this server is stopping",
        })
    }
}

/// Why the database refused a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryRefused {
    /// A constraint, with its name if the database reports it.
    Constraint(Option<String>),
    /// A table or column is missing: the migrations of another version, or none, were applied.
    Schema,
    /// Anything else.
    Other,
}

impl fmt::Display for QueryRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constraint(Some(name)) => write!(f, "constraint {name}"),
            Self::Constraint(None) => f.write_str("a constraint"),
            Self::Schema => f.write_str("the schema is not this version's (see `keyward migrate status`)"),
            Self::Other => f.write_str("unexpected"),
        }
    }
}

/// The database can't be opened. Each message names the cause and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is neither SQLite's nor PostgreSQL's.
    #[error(
        "the database URL is neither sqlite://PATH nor postgres://USER:PASSWORD@HOST/DATABASE: set database.url or DATABASE_URL"
    )]
    UnknownAddress,
    /// libpq can't parse the PostgreSQL URL.
    #[error(
        "the PostgreSQL URL can't be parsed: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded"
    )]
    MalformedAddress,
    /// A part of the PostgreSQL URL is invalid.
    #[error("the PostgreSQL URL is invalid: {0}")]
    UnfitAddress(String),
    /// SQLite in memory.
    #[error(
        "a database in memory would lose every user at a restart: name a file, such as sqlite://data/keyward.db"
    )]
    InMemory,
    /// A SQLite URL with a query string.
    #[error("a SQLite URL is a path without '?': Keyward sets the options of the database itself")]
    SqliteParameters,
    /// The folder of the file is missing.
    #[error("there is no folder {}: create it, or name another database file", .0.display())]
    NoSuchFolder(PathBuf),
    /// The file or its folder can't be written.
    #[error("{} can't be written: let this process's user read and write the file and its folder (SQLite creates more files in it)", .0.display())]
    NotWritable(PathBuf),
    /// The file is not a SQLite database.
    #[error("{} is not a SQLite database: name another file, or move it away", .0.display())]
    NotADatabase(PathBuf),
    /// The disk is full.
    #[error("the disk of {} is full: free some space", .0.display())]
    DiskFull(PathBuf),
    /// Another process has locked the file for writing.
    #[error("{} is locked by another process: wait until it ends, or stop it", .0.display())]
    Locked(PathBuf),
    /// SQLite or the file system reported something else.
    #[error("{} can't be opened: {cause}", .file.display())]
    File {
        /// The database file.
        file: PathBuf,
        /// What was reported.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No server answers at the address.
    #[error(
        "no PostgreSQL server answers there: start it, or correct the host and port in database.url ({0})"
    )]
    Refused(String),
    /// The name of the host can't be resolved.
    #[error("the host in the PostgreSQL URL is unknown: correct it (the host comes after the last @)")]
    UnknownHost,
    /// The user or the password is wrong.
    #[error("PostgreSQL refuses this user or password: correct them in database.url ({0})")]
    WrongPassword(String),
    /// There is no such database.
    #[error(
        "PostgreSQL has no such database: create it with createdb, or correct its name in database.url ({0})"
    )]
    NoSuchDatabase(String),
    /// The server accepts no writes.
    #[error(
        "this PostgreSQL server accepts no writes: name the primary, or all servers of the cluster, in database.url ({0})"
    )]
    ReadOnlyServer(String),
    /// The server has no connection left.
    #[error(
        "PostgreSQL has no free connection: raise its max_connections, or lower database.pool_size ({0})"
    )]
    NoConnectionLeft(String),
    /// The TLS settings of the server and of the URL don't match.
    #[error(
        "the TLS settings of PostgreSQL and database.url don't match: correct sslmode or sslrootcert ({0})"
    )]
    Tls(String),
    /// PostgreSQL reported something else.
    #[error("PostgreSQL can't be used: {0}")]
    Server(String),
}

/// This process may not serve the database.
#[derive(Debug, thiserror::Error)]
pub enum AlreadyServed {
    /// Another process serves it.
    #[error("another `keyward serve` has this database (its lock file is {}): stop it first; other commands can run beside it", .0.display())]
    ByAnother(PathBuf),
    /// The lock file can't be created.
    #[error("the lock file {} can't be created: {cause}", .file.display())]
    NoLock {
        /// The lock file.
        file: PathBuf,
        /// What was reported.
        #[source]
        cause: std::io::Error,
    },
}
