//! The tables that a run changes on PostgreSQL. The rule: a run locks all of them before it changes one, and gives way to requests.

use super::effects::{self, Waits};
use crate::{fault::Fault, schema::columns};
use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::Text,
};
use std::collections::BTreeSet;

#[derive(QueryableByName)]
struct TableName {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A table by its name or by that of one of its indexes.
const TABLE_OF: &str = "SELECT c.relname::text AS name FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = to_regclass($1) \
                     WHERE c.oid = coalesce(i.indrelid, to_regclass($1)) AND c.relkind = 'r'";
/// The tables that a table refers to. Each has a trigger, which is dropped together with that table.
const REFERRED_TO: &str = "SELECT c.relname::text AS name FROM pg_constraint f JOIN pg_class c ON c.oid = f.confrelid \
                           WHERE f.contype = 'f' AND f.conrelid = to_regclass($1)";
/// How long a run waits for all of its tables together, in milliseconds: less than the time after which PostgreSQL checks for a deadlock
/// (1 s).
const WAITS_FOR: usize = 800;

/// Locks all tables that these scripts change, or fails like [`give_way`], after less than a second.
pub(crate) fn lock(c: &mut PgConnection, scripts: &[&str]) -> Result<(), Fault> {
    let mut look = |query, table: &str| -> QueryResult<Vec<String>> {
        let found = diesel::sql_query(query).bind::<Text, _>(table);
        Ok(found
            .load::<TableName>(c)?
            .into_iter()
            .map(|found| found.name)
            .collect())
    };
    let (mut exclusive, mut writes) = (BTreeSet::new(), BTreeSet::new());
    for script in scripts {
        for effect in effects::on_postgres(script) {
            let locked = match effect.waits {
                Waits::Nothing | Waits::Rows => continue,
                Waits::Writes => &mut writes,
                Waits::Everything => &mut exclusive,
            };
            locked.extend(look(TABLE_OF, &effect.table)?);
        }
        for table in effects::dropped_tables(script) {
            exclusive.extend(look(REFERRED_TO, &table)?);
        }
    }
    writes.retain(|table| !exclusive.contains(table));
    // In the order in which requests lock them, so that deadlocks are rare.
    let order: Vec<&str> = columns().into_iter().map(|(table, _)| table).collect();
    let place = |name: &String| order.iter().position(|table| table == name);
    let each = WAITS_FOR / (exclusive.len() + writes.len()).max(1);
    for (tables, mode) in [(exclusive, "ACCESS EXCLUSIVE"), (writes, "SHARE ROW EXCLUSIVE")] {
        let mut tables = Vec::from_iter(tables);
        tables.sort_by_key(place);
        if tables.is_empty() {
            continue;
        }
        c.batch_execute(&format!("SET LOCAL lock_timeout = {each}"))?;
        give_way(c, &format!("LOCK TABLE {} IN {mode} MODE", tables.join(", ")))?;
    }
    Ok(c.batch_execute("SET LOCAL lock_timeout = 500")?)
}

/// Runs statements that are rolled back if they wait for a lock for longer than `lock_timeout`, or in a deadlock. Their error is then a
/// [`SerializationFailure`](diesel::result::DatabaseErrorKind::SerializationFailure): Diesel does not pass PostgreSQL's own codes on
/// (55P03, 40P01), and its messages are in the server's language.
pub(crate) fn give_way(c: &mut PgConnection, statements: &str) -> QueryResult<()> {
    c.batch_execute(&format!(
        "DO $keyward$ BEGIN EXECUTE $statements${statements}$statements$; \
         EXCEPTION WHEN lock_not_available OR deadlock_detected THEN RAISE SQLSTATE '40001'; END $keyward$"
    ))
}
