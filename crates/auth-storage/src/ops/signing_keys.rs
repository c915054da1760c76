//! Signing keys. The rule: a plan changes all of its keys or none.

use super::{
    Conn,
    side_effects::{AuditEntry, AuditWriter},
    transaction,
    user_lock::lock_caller,
};
use crate::{
    context::ChangeContext,
    dialect::Dialect as _,
    fault::{Fault, Rollback, refusal_as_value},
    schema::{settings, signing_keys},
    signing_keys::{KeyRow, NewKeyRow, NotChanged, Stored, Table},
    sqlty::Ts,
    sweep::{Sweep, before},
};
use auth_domain::{
    audit::Action,
    keys::{KeyState, KeyStep},
};
use diesel::prelude::*;

/// All keys, and the rows that can't be read, the oldest first.
pub(crate) fn all(c: &mut Conn) -> Result<Table, Fault> {
    let rows: Vec<KeyRow> = signing_keys::table
        .select(KeyRow::as_select())
        .order((signing_keys::published_at.asc(), signing_keys::kid.asc()))
        .load(c)?;
    let mut table = Table::default();
    for row in rows {
        match row.key() {
            Ok(key) => table.keys.push(key),
            // A retired key is used by no version.
            Err(row) => table.set_aside.extend(row),
        }
    }
    Ok(table)
}

/// Changes the states of keys and adds new keys, unless a key is not in the state that the plan expects, or another node has created a key
/// with the same state. A rotation that a user requested is recorded in the audit log.
pub(crate) fn change(
    c: &mut Conn,
    moves: &[KeyStep],
    new: Vec<Stored>,
    rotation: Option<(bool, &ChangeContext)>,
) -> Result<Result<(), NotChanged>, Fault> {
    use signing_keys as k;
    let changed = c.in_transaction(|c| {
        if let Some((_, context)) = rotation {
            lock_caller(c, context)?;
        }
        for step in moves {
            match step {
                KeyStep::Move {
                    kid,
                    from,
                    to,
                    verifies_until,
                } => {
                    let moved = diesel::update(k::table.find(kid).filter(k::state.eq(from.as_str()))).set((
                        k::state.eq(to.as_str()),
                        k::verifies_until.eq(verifies_until.map(Ts)),
                    ));
                    if unless_taken(moved.execute(c))? != Some(1) {
                        return Err(Rollback::refused(NotChanged::Outrun));
                    }
                }
                KeyStep::Drop(kid) => {
                    diesel::update(k::table.find(kid))
                        .set((
                            k::state.eq(KeyState::Retired.as_str()),
                            k::verifies_until.eq(None::<Ts>),
                        ))
                        .execute(c)?;
                }
                // New keys are passed in `new`, encrypted.
                KeyStep::Create(..) => {}
            }
        }
        for key in new {
            let created = diesel::insert_into(k::table)
                .values(NewKeyRow::of(key))
                .execute(c);
            if unless_taken(created)?.is_none() {
                return Err(Rollback::refused(NotChanged::Outrun));
            }
        }
        if let Some((compromised, context)) = rotation {
            let entry = AuditEntry::of(Action::KeysRotated).with("compromised", compromised);
            AuditWriter::of(context).audit(c, entry)?;
        }
        Ok(())
    });
    refusal_as_value(changed)
}

/// `None` if a unique index refused the row: another key has that state or that id.
fn unless_taken(result: QueryResult<usize>) -> QueryResult<Option<usize>> {
    use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
    match result {
        Err(DatabaseError(UniqueViolation, _)) => Ok(None),
        other => other.map(Some),
    }
}

/// Replaces everything that is encrypted with the master key, in one transaction. A row that was deleted meanwhile stays deleted.
pub(crate) fn reseal(
    c: &mut Conn,
    keys: &[(String, Vec<u8>)],
    values: &[(String, Vec<u8>)],
    context: &ChangeContext,
) -> Result<(), Fault> {
    transaction(c, |c| {
        for (kid, sealed) in keys {
            diesel::update(signing_keys::table.find(kid))
                .set(signing_keys::sealed.eq(sealed))
                .execute(c)?;
        }
        for (name, value) in values {
            diesel::update(settings::table.find(name))
                .set(settings::value.eq(value))
                .execute(c)?;
        }
        AuditWriter::of(context).audit(c, AuditEntry::of(Action::KeysResealed))
    })
}

/// Removes keys that retired long ago.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    use signing_keys as k;
    let long_ago = before(sweep.now, sweep.keep.keep_ended_sessions);
    let out_of_use = k::verifies_until
        .lt(Some(Ts(long_ago)))
        .or(k::verifies_until.is_null());
    let retired: Vec<String> = k::table
        .filter(k::state.eq(KeyState::Retired.as_str()))
        .filter(k::published_at.lt(Ts(long_ago)))
        .filter(out_of_use)
        .limit(sweep.limit())
        .select(k::kid)
        .load(c)?;
    Ok(diesel::delete(k::table.filter(k::kid.eq_any(retired))).execute(c)? as u64)
}
