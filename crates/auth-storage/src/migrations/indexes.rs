//! Indexes that PostgreSQL builds while others write. They can't be built in a transaction, so a migration that asks for one
//! (`CREATE INDEX CONCURRENTLY`) holds nothing else, and is recorded after its indexes are there. A run that ended in between leaves
//! an index that PostgreSQL does not use: the next run replaces it.

use super::{Migration, run::Stop};
use auth_domain::foreign_words::known;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{Bool, Text},
};

/// The word that asks for it.
const ASKS: &str = "CONCURRENTLY";

/// Whether a migration builds its indexes outside of a transaction on PostgreSQL.
pub(crate) fn are_built_beside(migration: &Migration) -> bool {
    statements(migration.postgres.up).any(|statement| statement.contains(ASKS))
}

/// The statements of a script, without its comments. Fit for scripts without a semicolon in a text.
pub(crate) fn statements(script: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = script
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect();
    let all: Vec<String> = lines
        .join(" ")
        .split(';')
        .map(|one| one.trim().to_owned())
        .collect();
    all.into_iter().filter(|statement| !statement.is_empty())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    is_valid: bool,
    #[diesel(sql_type = Bool)]
    is_being_built: bool,
}

const LOOK: &str = "SELECT i.indisvalid AS is_valid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index p \
                    WHERE p.index_relid = i.indexrelid) AS is_being_built FROM pg_index i WHERE i.indexrelid = to_regclass($1)";

/// Builds the indexes of a migration that are not there yet. [`Stop::Busy`]: another run is at it.
pub(super) fn build(c: &mut PgConnection, migration: &Migration) -> Result<(), Stop> {
    let failed = |cause: String| Stop::Failed(format!("the migration {}", migration.name), known(&cause));
    // Building waits for every transaction that could still miss a row; no lock of others' is waited for meanwhile.
    c.batch_execute("SET statement_timeout = 0; SET lock_timeout = 60000")?;
    for statement in statements(migration.postgres.up) {
        let mut words = statement.split_whitespace();
        let name = words.by_ref().skip_while(|word| *word != ASKS).nth(1);
        let Some(name) = name else {
            return Err(failed("invalid statement".to_owned()));
        };
        let found: Vec<Found> = diesel::sql_query(LOOK).bind::<Text, _>(name).load(c)?;
        match found.first() {
            Some(found) if found.is_valid => continue,
            Some(found) if found.is_being_built => return Err(Stop::Busy(migration.name.to_owned())),
            Some(_) => c
                .batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"))
                .map_err(|cause| failed(cause.to_string()))?,
            None => {}
        }
        c.batch_execute(&statement).map_err(|cause| {
            let cause = cause.to_string();
            if cause.contains("already exists") || cause.contains("deadlock") {
                Stop::Busy(migration.name.to_owned())
            } else {
                failed(cause)
            }
        })?;
    }
    Ok(())
}
