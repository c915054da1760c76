//! The schema, as a start finds it.

use crate::{config::Config, start_error::StartError};
use auth_storage::{
    Backend, MigrateError, ServeLock, Storage,
    migrations::{Contracts, HeldBack},
    nodes::LivingNode,
};

/// Applies what is not applied where that is wanted, and refuses a schema that does not fit: one that lacks something, or one
/// whose floor this version does not know.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn settle_schema(
    config: &Config,
    storage: &Storage,
    lock: Option<&ServeLock>,
) -> Result<(), StartError> {
    let schema = storage.schema().await?;
    if let Some(stamp) = schema.refused_for() {
        return Err(MigrateError::SchemaNewer(stamp.to_owned()).into());
    }
    let pending = schema.missing().count();
    if !config.database.migrates_itself(storage.backend()) {
        return if pending == 0 {
            Ok(())
        } else {
            Err(StartError::SchemaOlder { pending })
        };
    }
    if schema.migrations.iter().all(|migration| migration.applied) {
        return Ok(());
    }
    let migrated = match lock {
        Some(lock) => storage.migrate_up_with(Contracts::of(lock)).await?,
        None => storage.migrate_up().await?,
    };
    let (applied, backend) = (migrated.applied.join(", "), backend_name(storage.backend()));
    if migrated.held_back.is_empty() {
        tracing::info!(applied, backend, "the schema is up to date");
    } else {
        tracing::info!(applied, backend, "the schema has all that this version needs");
    }
    for held_back in &migrated.held_back {
        tracing::warn!(
            migration = held_back.migration,
            why = why_it_waits(held_back),
            "a migration is held back: it takes away what older versions need. `keyward migrate up` or the next start applies it"
        );
    }
    Ok(())
}

/// What serves the database, so that a migration is held back.
#[must_use]
pub(crate) fn why_it_waits(held_back: &HeldBack) -> String {
    if held_back.for_nodes.is_empty() {
        return "another `keyward serve` has this database".to_owned();
    }
    let node = |living: &LivingNode| {
        let (node, ago) = (&living.node, living.seen_before.num_seconds());
        format!("{} (version {}, seen {ago} s ago)", node.id, node.version)
    };
    let nodes: Vec<String> = held_back.for_nodes.iter().map(node).collect();
    format!(
        "nodes that don't know it serve this database: {}",
        nodes.join(", ")
    )
}

/// What a backend is called.
#[must_use]
pub(crate) const fn backend_name(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "SQLite",
        Backend::Postgres => "PostgreSQL",
    }
}
