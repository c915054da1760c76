//! The database's clock and its applied migrations.

use super::Conn;
use crate::{dialect::Dialect as _, fault::Fault};
use auth_domain::time::Timestamp;
use diesel::{prelude::*, sql_types::Text};

/// The database's clock.
pub(crate) fn now(c: &mut Conn) -> Result<Timestamp, Fault> {
    Ok(c.clock()?.0)
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
