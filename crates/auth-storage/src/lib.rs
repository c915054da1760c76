//! The store: users, sessions, revocations, one-time tokens, API keys, clients, signing keys, settings, the outbox, the audit log
//! and the hourly counts, on SQLite or PostgreSQL.
//!
//! The crate's rules: each noun has a public module with its types, its rows and its part of [`Storage`]. Its queries, including its
//! sweep, are in the file of the same name in `ops`. Every query is written once; what differs between the databases is in one file
//! (`dialect`). The domain makes the decisions. "Not found" is a value, and so is a result that must be stored. An `Err` means that
//! the store failed and wrote nothing.

// Linked statically, so that the machine needs neither of these libraries, nor OpenSSL for libpq's TLS.
use libsqlite3_sys as _;
use openssl_sys as _;
use pq_sys as _;

pub mod activity;
pub mod api_keys;
pub mod audit;
pub mod clients;
pub mod links;
pub mod migrations;
pub mod nodes;
pub mod one_time_tokens;
pub mod outbox;
pub mod registrations;
pub mod revocations;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod signing_keys;
pub mod sweep;
pub mod users;

mod address;
mod committed;
mod config;
mod context;
mod dialect;
mod engine;
mod error;
mod fault;
mod fitness;
mod open;
mod postgres;
mod prepared;
mod reported_rows;
mod schema;
mod serving;
mod sqlite;
mod sqlty;
mod storage;

pub use committed::{AfterCommit, CommitEffects, Committed};
pub use config::{Backend, DatabaseConfig};
pub use context::{
    ApiKeyEvidence, AuditContext, ChangeContext, Evidence, Pagination, Refused, SessionEvidence,
};
pub use error::{AlreadyServed, OpenError, Outage, QueryRefused, StorageError};
pub use migrations::MigrateError;
pub use serving::ServeLock;
pub use storage::Storage;

/// The tables and columns that the code knows, for the test that compares them with each database.
#[doc(hidden)]
pub use schema::columns as schema_columns;
