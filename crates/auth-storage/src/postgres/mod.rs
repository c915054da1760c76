//! The operations on PostgreSQL. A single statement commits by itself; an operation of several asks for a transaction.

pub(crate) type Conn = diesel::PgConnection;

#[expect(
    clippy::duplicate_mod,
    reason = "one source of queries, compiled for each backend"
)]
#[path = "../ops/mod.rs"]
pub(crate) mod ops;
