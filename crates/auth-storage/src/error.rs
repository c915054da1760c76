//! What can go wrong while asking the store. No display text carries a value of a row, a parameter or a secret.
//!
//! A failure of the store is never "not found" and never the caller's fault: every variant is a 5xx.

use std::{fmt, path::PathBuf};

/// The store failed. What was asked was rolled back, or, where the connection broke while it was being committed, is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The database can't be reached or can't work just now: 503.
    #[error("the database is unavailable: {0}")]
    Unavailable(Outage),
    /// More is asked than can be answered in time: 503, with Retry-After.
    #[error("the database is asked more than it can answer")]
    Overloaded,
    /// A session was changed by others each time that a decision was made: 503.
    #[error("the session is being changed by others at the same time")]
    Contended,
    /// A row fits no state that the domain knows.
    #[error("the row {id} of {table} has no valid {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        id: String,
    },
    /// The database refused a statement that it should have taken: a mistake of this program, or another schema.
    #[error("the database refused a statement: {0}")]
    Query(QueryRefused),
}

impl StorageError {
    /// Whether trying again later may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Overloaded | Self::Contended)
    }
}

/// Why the database is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// No connection can be made.
    Unreachable,
    /// The connection broke while something was asked.
    ConnectionLost,
    /// It takes no writes: a demoted primary, a read-only file or folder.
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
            Self::Unreachable => "no connection can be made",
            Self::ConnectionLost => "the connection was lost",
            Self::ReadOnly => "it takes no writes",
            Self::Busy => "another process holds its lock",
            Self::DiskFull => "its disk is full",
            Self::TimedOut => "it did not answer in time",
            Self::Faulty => "it reported a fault",
            Self::Stopping => "this server is stopping",
        })
    }
}

/// Which kind of refusal a statement met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryRefused {
    /// A constraint, by its name where the database gives one.
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

/// The database can't be opened: the cause, and the mend.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither a SQLite nor a PostgreSQL address.
    #[error(
        "the database address is neither sqlite://PATH nor postgres://USER:PASSWORD@HOST/DATABASE: set database.url or DATABASE_URL"
    )]
    UnknownAddress,
    /// The address is of PostgreSQL's kind, but libpq can't read it.
    #[error(
        "the PostgreSQL address can't be read: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded"
    )]
    MalformedAddress,
    /// The address is of PostgreSQL's kind, and something in it can't be used.
    #[error("the PostgreSQL address can't be used: {0}")]
    UnfitAddress(String),
    /// SQLite in memory.
    #[error(
        "a database in memory would forget every user at a restart: name a file, as in sqlite://data/keyward.db"
    )]
    InMemory,
    /// An address of SQLite's kind with a query string.
    #[error(
        "a SQLite address is a path alone, without '?': the settings of the database are the server's own"
    )]
    SqliteParameters,
    /// The folder of the file is missing.
    #[error("there is no folder {}: make it, or name another database file", .0.display())]
    NoSuchFolder(PathBuf),
    /// The file or its folder can't be written.
    #[error("{} can't be written: give this process's user the right to read and write it and its folder (SQLite keeps files beside it)", .0.display())]
    NotWritable(PathBuf),
    /// What lies there is not a SQLite database.
    #[error("{} is not a SQLite database: name another file, or move it away", .0.display())]
    NotADatabase(PathBuf),
    /// The disk is full.
    #[error("the disk of {} is full: free some space", .0.display())]
    DiskFull(PathBuf),
    /// Another process has locked the file for writing.
    #[error("{} is locked by another process: wait for it, or end it", .0.display())]
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
    /// Nothing answers there.
    #[error("no PostgreSQL server answers there: start it, or mend host and port in the address ({0})")]
    Refused(String),
    /// The host has no address.
    #[error("the host of the PostgreSQL address is unknown: correct it (the host stands behind the last @)")]
    UnknownHost,
    /// User or password are wrong.
    #[error("PostgreSQL refuses this user or password: mend them in the address ({0})")]
    WrongPassword(String),
    /// There is no such database.
    #[error(
        "PostgreSQL has no such database: create it with createdb, or mend its name in the address ({0})"
    )]
    NoSuchDatabase(String),
    /// The server takes no writes.
    #[error(
        "this PostgreSQL server takes no writes: name the primary, or all servers of the cluster, in the address ({0})"
    )]
    ReadOnlyServer(String),
    /// The server has no connection left.
    #[error(
        "PostgreSQL has no connection left: raise its max_connections, or lower database.pool_size ({0})"
    )]
    NoConnectionLeft(String),
    /// TLS could not be agreed on.
    #[error(
        "PostgreSQL and the address disagree about TLS: mend sslmode or sslrootcert in the address ({0})"
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
    #[error("another `keyward serve` has this database (its lock is {}): stop it first; the other commands work beside it", .0.display())]
    ByAnother(PathBuf),
    /// The lock file can't be made.
    #[error("the lock file {} can't be made: {cause}", .file.display())]
    NoLock {
        /// The lock file.
        file: PathBuf,
        /// What was reported.
        #[source]
        cause: std::io::Error,
    },
}
