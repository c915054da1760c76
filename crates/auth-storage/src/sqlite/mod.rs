//! The operations on SQLite. A job of the writer runs in a savepoint of a transaction that began IMMEDIATE.

pub(crate) type Conn = diesel::SqliteConnection;

#[path = "../ops/mod.rs"]
pub(crate) mod ops;
