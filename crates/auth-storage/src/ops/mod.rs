//! Every query there is, in ordinary Diesel, compiled once for each database: `Conn` is the connection of the module that
//! includes this one. One file a noun. An operation that fails leaves nothing behind.

use super::Conn;
use crate::{
    dialect::Dialect as _,
    fault::{Fault, Undo, undone},
    schema::guards,
};
use diesel::prelude::*;

pub(crate) mod activity;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod clock;
pub(crate) mod figures;
mod hold;
pub(crate) mod housekeeping;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod lock_out;
pub(crate) mod notes;
pub(crate) mod one_time_tokens;
pub(crate) mod outbox;
pub(crate) mod revocations;
pub(crate) mod rotation;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod user_changes;
pub(crate) mod users;

/// Runs `work` as a whole.
fn whole<T>(c: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Fault>) -> Result<T, Fault> {
    c.whole(work)
}

/// Waits for, and holds until the end of the transaction, the right that a guard stands for.
fn take_guard(c: &mut Conn, name: &'static str) -> Result<(), Fault> {
    let guard = diesel::update(guards::table.find(name)).set(guards::taken.eq(guards::taken + 1));
    if guard.execute(c)? == 1 {
        return Ok(());
    }
    Err(Fault::Corrupt {
        table: "guards",
        column: "name",
        id: name.to_owned(),
    })
}

/// Runs `work` as a whole that can also give an answer and undo all that it wrote.
fn whole_or_undone<T>(c: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Undo<T>>) -> Result<T, Fault> {
    undone(c.whole(work))
}
