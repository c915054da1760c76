//! The schema at a start or at a command.

use crate::{config::Config, start_error::StartError};
use auth_storage::{
    Backend, MigrateError, ServeLock, Storage,
    migrations::{Contracts, HeldBack},
    nodes::LiveNode,
};

/// Applies the pending migrations if that is configured. Refuses a schema that lacks a migration, or whose floor this version does not
/// know.
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
        Some(lock) => storage.migrate_up_with(Contracts::Of(lock.clone())).await?,
        None => storage.migrate_up().await?,
    };
    let (applied, backend) = (migrated.applied.join(", "), backend_name(storage.backend()));
    if migrated.held_back.is_empty() {
        tracing::info!(applied, backend, "the schema is up to date");
    } else {
        tracing::info!(
            applied,
            backend,
            "the schema has everything that this version needs"
        );
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

/// Why a migration is held back: what else serves the database.
#[must_use]
pub(crate) fn why_it_waits(held_back: &HeldBack) -> String {
    if held_back.for_nodes.is_empty() {
        return "another `keyward serve` has this database".to_owned();
    }
    format!(
        "nodes that don't know it serve this database: {}",
        LiveNode::list(&held_back.for_nodes)
    )
}

/// The name of a backend.
#[must_use]
pub(crate) const fn backend_name(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "SQLite",
        Backend::Postgres => "PostgreSQL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::time::{Span, Timestamp};
    use auth_storage::nodes::{Known, Node};

    #[test]
    fn a_migration_that_is_held_back_names_the_nodes() {
        let held_back = |for_nodes| HeldBack {
            migration: "2999-01-02-000000_drop_the_names".to_owned(),
            for_nodes,
        };
        assert_eq!(
            why_it_waits(&held_back(vec![])),
            "another `keyward serve` has this database"
        );
        let node = Node {
            id: "018f3f5e-7c1a-7a30-8d2e-0123456789ab".parse().unwrap_or_default(),
            version: "1.2.3".to_owned(),
            knows: Known::stored("20260101000000".to_owned()),
        };
        let living = LiveNode {
            node,
            started_at: Timestamp::UNIX_EPOCH,
            seen_before: Span::seconds(4),
        };
        assert_eq!(
            why_it_waits(&held_back(vec![living])),
            "nodes that don't know it serve this database: 018f3f5e-7c1a-7a30-8d2e-0123456789ab (version 1.2.3, seen 4 s ago)"
        );
    }
}
