//! The operations on SQLite. The rule: a job of the writer runs in a savepoint of a transaction that began with BEGIN IMMEDIATE.

pub(crate) type Conn = diesel::SqliteConnection;

#[path = "../ops/mod.rs"]
pub(crate) mod ops;
