//! The tables that a run changes on PostgreSQL. The rule: a run takes all of them before it changes one, and gives way to requests.

use super::effects::{self, Waits};
use crate::{fault::Fault, schema::columns};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, result::Error, sql_types::Text,
};
use std::collections::BTreeSet;

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Takes the tables that these scripts change, all of them or, within less than a second, none: false.
pub(crate) fn hold(c: &mut PgConnection, scripts: &[&str]) -> Result<bool, Fault> {
    let found = "SELECT c.relname::text AS name FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = to_regclass($1) \
                 WHERE c.oid = coalesce(i.indrelid, to_regclass($1)) AND c.relkind = 'r'";
    let (mut whole, mut writes) = (BTreeSet::new(), BTreeSet::new());
    for effect in scripts.iter().flat_map(|script| effects::on_postgres(script)) {
        let held = match effect.waits {
            Waits::Nothing | Waits::Rows => continue,
            Waits::Writes => &mut writes,
            Waits::Everything => &mut whole,
        };
        let table = diesel::sql_query(found).bind::<Text, _>(&effect.table);
        held.extend(table.get_results::<Named>(c)?.into_iter().map(|found| found.name));
    }
    // In the order in which requests take them, so that few of them cross.
    let order: Vec<&str> = columns().into_iter().map(|(table, _)| table).collect();
    let place = |name: &String| order.iter().position(|table| table == name);
    for (mut tables, mode) in [
        (Vec::from_iter(whole), "ACCESS EXCLUSIVE"),
        (Vec::from_iter(writes), "SHARE"),
    ] {
        tables.sort_by_key(place);
        if tables.is_empty() {
            continue;
        }
        // Both together take less time than PostgreSQL waits before it looks for a deadlock (1 s).
        let hold = format!(
            "SET LOCAL statement_timeout = 400; LOCK TABLE {} IN {mode} MODE; SET LOCAL statement_timeout = 0",
            tables.join(", ")
        );
        match c.batch_execute(&hold) {
            Ok(()) => {}
            Err(Error::DatabaseError(_, said)) if said.message().contains("timeout") => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}
