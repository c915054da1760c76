//! Indexes that PostgreSQL builds while others write (`CREATE INDEX CONCURRENTLY`). They can't be built in a transaction. The rule: a
//! migration with such a statement contains no other kind of statement, and is recorded once its indexes exist. A run that ends in
//! between leaves an invalid index, which PostgreSQL does not use: the next run replaces it.

use super::{effects::statements, error::Stop, migration::Migration};
use auth_domain::foreign_words::known;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::{Connection as _, SimpleConnection},
    sql_types::{Bool, Text},
};

/// The keyword of such a statement.
const KEYWORD: &str = "CONCURRENTLY";

/// Whether a migration builds its indexes outside of a transaction on PostgreSQL.
pub(crate) fn are_built_outside_transaction(migration: &Migration) -> bool {
    statements(migration.postgres.up).any(|statement| statement.contains(KEYWORD))
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    is_valid: bool,
    #[diesel(sql_type = Bool)]
    is_being_built: bool,
}

const INDEX_STATE: &str = "SELECT i.indisvalid AS is_valid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index p \
                    WHERE p.index_relid = i.indexrelid) AS is_being_built FROM pg_index i WHERE i.indexrelid = to_regclass($1)";

/// Takes the lock, or fails with a serialization failure. The statements have no parameters: the result of a statement with parameters
/// would keep its snapshot, and the build of the index would wait for it.
const TAKE_BUILD_LOCK: &str = "SET LOCAL idle_in_transaction_session_timeout = 0; DO $keyward$ BEGIN \
                        IF NOT pg_try_advisory_xact_lock(7738151096084) THEN RAISE SQLSTATE '40001'; END IF; END $keyward$";

/// Builds the indexes of a migration that don't exist yet. [`Stop::Busy`]: another run is building.
///
/// One run builds at a time, because two would wait for each other's snapshots. The lock for that belongs to a transaction on a
/// connection of its own, so that a pooler can't leave it behind.
pub(super) fn build(
    alone: &mut PgConnection,
    c: &mut PgConnection,
    migration: &Migration,
) -> Result<(), Stop> {
    alone.transaction(|alone| {
        alone.batch_execute(TAKE_BUILD_LOCK)?;
        build_alone(c, migration)
    })
}

fn build_alone(c: &mut PgConnection, migration: &Migration) -> Result<(), Stop> {
    let failed = |cause: &str| Stop::failed(format!("the migration {}", migration.name), known(cause));
    // The build waits for every transaction that does not know of the index yet. Meanwhile no request waits for it.
    c.batch_execute("SET statement_timeout = 0; SET lock_timeout = 60000")?;
    for statement in statements(migration.postgres.up) {
        let mut words = statement.split_whitespace();
        let name = words.by_ref().skip_while(|word| *word != KEYWORD).nth(1);
        let Some(name) = name else {
            return Err(failed("invalid statement"));
        };
        let found: Vec<Found> = diesel::sql_query(INDEX_STATE).bind::<Text, _>(name).load(c)?;
        match found.first() {
            Some(found) if found.is_valid => continue,
            // The run that began it was killed, but its server process is still building.
            Some(found) if found.is_being_built => return Err(Stop::Busy),
            Some(_) => c
                .batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"))
                .map_err(|cause| failed(&cause.to_string()))?,
            None => {}
        }
        c.batch_execute(&statement)
            .map_err(|cause| failed(&cause.to_string()))?;
    }
    Ok(())
}
