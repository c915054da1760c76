//! Settings that the nodes share: a name and bytes. The rule: if several nodes insert the same setting, the first one wins.

use super::Conn;
use crate::{fault::Fault, schema::settings};
use diesel::prelude::*;

/// One setting.
pub(crate) fn value(c: &mut Conn, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(settings::table
        .find(name)
        .select(settings::value)
        .first(c)
        .optional()?)
}

/// Stores a setting, unless it exists.
pub(crate) fn insert(c: &mut Conn, name: &str, value: &[u8]) -> Result<bool, Fault> {
    let inserted = diesel::insert_into(settings::table)
        .values((settings::name.eq(name), settings::value.eq(value)))
        .on_conflict(settings::name)
        .do_nothing()
        .execute(c)?;
    Ok(inserted == 1)
}

/// Stores a setting, and replaces an existing one.
pub(super) fn put(c: &mut Conn, name: &str, value: &[u8]) -> Result<(), Fault> {
    diesel::insert_into(settings::table)
        .values((settings::name.eq(name), settings::value.eq(value)))
        .on_conflict(settings::name)
        .do_update()
        .set(settings::value.eq(value))
        .execute(c)?;
    Ok(())
}

/// Deletes a setting.
pub(super) fn remove(c: &mut Conn, name: &str) -> Result<(), Fault> {
    diesel::delete(settings::table.find(name)).execute(c)?;
    Ok(())
}
