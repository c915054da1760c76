//! The database itself: its clock, whether it takes writes, its applied migrations.

use super::Conn;
use crate::{dialect::Dialect as _, fault::Fault, schema::guards};
use auth_domain::time::Timestamp;
use diesel::{prelude::*, sql_types::Text};

/// The database's clock.
pub(crate) fn now(c: &mut Conn) -> Result<Timestamp, Fault> {
    Ok(c.clock()?.0)
}

/// Writes a row that means nothing else.
pub(crate) fn leave_a_mark(c: &mut Conn) -> Result<(), Fault> {
    diesel::insert_into(guards::table)
        .values((guards::name.eq("readiness"), guards::taken.eq(1)))
        .on_conflict(guards::name)
        .do_update()
        .set(guards::taken.eq(guards::taken + 1))
        .execute(c)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The stamps of the applied migrations, in order.
pub(crate) fn applied_migrations(c: &mut Conn) -> Result<Vec<String>, Fault> {
    if !c.has_migrations_table()? {
        return Ok(Vec::new());
    }
    let applied = diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version");
    Ok(applied
        .load::<Applied>(c)?
        .into_iter()
        .map(|row| row.version)
        .collect())
}
