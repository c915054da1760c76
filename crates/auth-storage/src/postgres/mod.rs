//! The operations on PostgreSQL. A single statement commits by itself; an operation of several asks for a transaction.

pub(crate) type Conn = diesel::PgConnection;

#[path = "../ops/mod.rs"]
pub(crate) mod ops;
