//! All queries, in ordinary Diesel. They are compiled once for each database: `Conn` is the connection of the module that includes this
//! one. Each noun has one file. The rule: an operation that fails leaves nothing behind.

use super::Conn;
use crate::{
    committed::Committed,
    context::{ChangeContext, Pagination},
    dialect::Dialect as _,
    fault::{Fault, Rollback, refusal_as_value},
    schema::guards,
};
use diesel::prelude::*;
use side_effects::SideEffects;
use uuid::Uuid;

pub(crate) mod activity;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod clock;
mod endings;
pub(crate) mod links;
pub(crate) mod migrations;
pub(crate) mod nodes;
pub(crate) mod one_time_tokens;
pub(crate) mod outbox;
pub(crate) mod registrations;
pub(crate) mod revocations;
pub(crate) mod rotation;
pub(crate) mod seals;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod side_effects;
pub(crate) mod signing_keys;
pub(crate) mod sweep;
pub(crate) mod user_changes;
mod user_lock;
pub(crate) mod users;

/// Runs `work` as one transaction.
fn transaction<T>(c: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, Fault>) -> Result<T, Fault> {
    c.in_transaction(work)
}

/// Locks a guard until the end of the transaction. Transactions that lock the same guard run one after another.
fn lock_guard(c: &mut Conn, name: &'static str) -> Result<(), Fault> {
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

/// Runs `work` as one transaction that can also return a value and roll back everything that it wrote.
fn transaction_or_rollback<T>(
    c: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, Rollback<T>>,
) -> Result<T, Fault> {
    refusal_as_value(c.in_transaction(work)).map(|value| value.unwrap_or_else(|refusal| refusal))
}

/// Runs `work` as one transaction. Its value comes with what has to be done after the commit. Only the functions that return a
/// [`Committed`] create [`SideEffects`], so no operation can queue mail or revoke tokens without it.
fn committed<'a, T>(
    c: &mut Conn,
    context: &'a ChangeContext,
    work: impl FnOnce(&mut Conn, &mut SideEffects<'a>) -> Result<T, Fault>,
) -> Result<Committed<T>, Fault> {
    committed_singly(c, context, |c, effects| c.in_transaction(|c| work(c, effects)))
}

/// The same for `work` that can also be refused, which rolls back everything that it wrote.
fn committed_or_refused<'a, T, R>(
    c: &mut Conn,
    context: &'a ChangeContext,
    work: impl FnOnce(&mut Conn, &mut SideEffects<'a>) -> Result<T, Rollback<R>>,
) -> Result<Result<Committed<T>, R>, Fault> {
    let mut effects = SideEffects::of(context);
    let done = refusal_as_value(c.in_transaction(|c| work(c, &mut effects)))?;
    Ok(done.map(|value| effects.committed(value)))
}

/// The same for `work` whose statements are committed one by one.
fn committed_singly<'a, T>(
    c: &mut Conn,
    context: &'a ChangeContext,
    work: impl FnOnce(&mut Conn, &mut SideEffects<'a>) -> Result<T, Fault>,
) -> Result<Committed<T>, Fault> {
    let mut effects = SideEffects::of(context);
    let value = work(c, &mut effects)?;
    Ok(effects.committed(value))
}

/// The value of a row. If the row can't be read: `None`, and a line in the log that names it.
fn readable<T>(read: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Corrupt { table, column, id }) => {
            tracing::error!(row = %id, "a row of {table} has no valid {column} and is skipped");
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

/// Loads a page of rows that can be read. The log names the others, and the page is filled up with the rows behind them.
fn readable_page<R, T>(
    page: Pagination,
    mut load: impl FnMut(Option<Uuid>, i64) -> Result<Vec<R>, Fault>,
    key: impl Fn(&R) -> Option<Uuid>,
    read: impl Fn(R) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let (mut after, mut found, mut missing) = (page.after, Vec::new(), i64::from(page.limit));
    while missing > 0 {
        let rows = load(after, missing)?;
        let full = rows.len() as i64 == missing;
        let last = rows.iter().rev().find_map(&key);
        for row in rows {
            if let Some(value) = readable(read(row))? {
                found.push(value);
                missing -= 1;
            }
        }
        if !full || last.is_none() {
            break;
        }
        after = last;
    }
    Ok(found)
}

/// The rows that can be read. The log names the others.
fn readable_rows<R, T>(rows: Vec<R>, read: impl Fn(R) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.extend(readable(read(row))?);
    }
    Ok(found)
}
