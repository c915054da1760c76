//! The database itself: its clock, and whether it accepts writes. The rule: a server that accepts no writes has no clock.

use super::Conn;
use crate::{dialect::Dialect as _, fault::Fault, schema::guards};
use auth_domain::time::Timestamp;
use diesel::prelude::*;

/// The database's clock.
pub(crate) fn now(c: &mut Conn) -> Result<Timestamp, Fault> {
    Ok(c.clock()?.0)
}

/// Writes a row whose only purpose is to show that the database accepts writes.
pub(crate) fn write_probe(c: &mut Conn) -> Result<(), Fault> {
    diesel::insert_into(guards::table)
        .values((guards::name.eq("readiness"), guards::taken.eq(1)))
        .on_conflict(guards::name)
        .do_update()
        .set(guards::taken.eq(guards::taken + 1))
        .execute(c)?;
    Ok(())
}
