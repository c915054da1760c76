//! What is kept: users, sessions, revocations, one-time tokens, API keys, clients, signing keys, settings, the outbox, the
//! audit log and the counts of each hour, on SQLite or PostgreSQL.
//!
//! The crate's rules: every query is written once (`ops`), what differs between the databases stands in one file (`dialect`),
//! rows become domain values in one place (`rows`), and the decisions are the domain's. Not found is a value; an `Err` means
//! that the store failed and that nothing was written.

// Linked in, so that the binary needs neither library on the machine (and no OpenSSL for libpq's TLS).
use libsqlite3_sys as _;
use openssl_sys as _;
use pq_sys as _;

pub mod activity;
pub mod audit;
pub mod clients;
pub mod outbox;
pub mod revocations;
pub mod settings;
pub mod setup;
pub mod signing_keys;
pub mod sweep;

mod address;
mod asks;
mod committed;
mod config;
mod context;
mod dialect;
mod engine;
mod error;
mod fault;
mod fitness;
pub mod migrations;
mod open;
mod outcomes;
mod postgres;
mod prepared;
mod rows;
mod schema;
mod serving;
mod sqlite;
mod sqlty;
mod storage;

pub use asks::{
    HashUpgrade, LinkProof, MailedToken, NewApiKey, NewToken, NewUser, Pending, SessionFilter, SignIn,
    UserChange, UserFilter,
};
pub use committed::{AfterCommit, CommitEffects, Committed};
pub use config::DatabaseConfig;
pub use context::{AuditContext, ChangeContext, Pagination, SessionEvidence};
pub use error::{AlreadyServed, MigrateError, OpenError, Outage, QueryRefused, StorageError};
pub use outcomes::{
    ChangedUser, Credentials, EmailTaken, EndedSession, EndedSessions, KeyHolder, KeyRefused, NotRedeemed,
    OutdatedSignIn, Redeemed, Refused, Rotated, Settled, StoredToken, UserFigures,
};
pub use serving::ServeLock;
pub use storage::Storage;

/// The tables and columns that the code knows, for the test that compares them with each database.
#[doc(hidden)]
pub use schema::columns as schema_columns;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite, embedded: one process serves.
    Sqlite,
    /// PostgreSQL: any number of processes serve.
    Postgres,
}
