//! Every query there is, in ordinary Diesel, compiled once for each database: `Conn` is the connection of the module that
//! includes this one. One file a noun. An operation that fails leaves nothing behind.

use super::Conn;
use crate::{
    dialect::Dialect as _,
    fault::{Fault, Undo, undone},
};

pub(crate) mod clients;
pub(crate) mod clock;
pub(crate) mod housekeeping;
pub(crate) mod keys;
pub(crate) mod one_time_tokens;
pub(crate) mod revocations;
pub(crate) mod rotation;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod user_changes;
pub(crate) mod users;

/// Runs `work` as a whole.
fn whole<T>(c: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Fault>) -> Result<T, Fault> {
    c.whole(work)
}

/// Runs `work` as a whole that can also give an answer and undo all that it wrote.
fn whole_or_undone<T>(c: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Undo<T>>) -> Result<T, Fault> {
    undone(c.whole(work))
}
