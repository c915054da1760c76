//! The operations on PostgreSQL. The rule: a single statement is committed by itself; an operation of several statements starts a
//! transaction.

pub(crate) type Conn = diesel::PgConnection;

#[expect(
    clippy::duplicate_mod,
    reason = "one source of queries, compiled for each backend"
)]
#[path = "../ops/mod.rs"]
pub(crate) mod ops;
