//! Migrations: embedded, forward and back, twins of the same names for both databases.
//!
//! The rule of rolling upgrades: any release runs beside the one before it on one database. A migration that **expands** (new
//! tables, nullable or defaulted columns, indexes, widened checks) breaks no older program and is applied while older ones serve.
//! One that **contracts** (removes or narrows) comes a release later at the earliest, and raises the schema's floor: the oldest
//! stamp that a program must know to serve it. A program starts on a newer schema whose floor it knows.

pub mod effects;
pub(crate) mod error;
pub(crate) mod indexes;
pub(crate) mod migration;
pub(crate) mod run;
pub(crate) mod tables;

pub use error::MigrateError;
pub use migration::{Migration, Script, Step, embedded};

use crate::{
    error::StorageError,
    nodes::{LivingNode, Node},
    serving::ServeLock,
    storage::{Storage, run},
};
use migration::stamp;
use std::collections::BTreeSet;

/// Which of the migrations that contract may be applied.
#[derive(Debug, Clone)]
pub enum Contracts {
    /// Those that every living node knows; on SQLite all, for this is the right to serve. The run keeps it until it ends.
    Of(ServeLock),
    /// Those that every living node knows; on SQLite none, for another process serves.
    Wait,
    /// All, whatever serves. A node that does not know one is broken by it.
    Force,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrated {
    /// The names of what was applied, in order.
    pub applied: Vec<String>,
    /// What was left, and why.
    pub held_back: Vec<HeldBack>,
}

/// A migration that was not applied, because it would break what serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Its name.
    pub migration: String,
    /// The nodes that don't know it. Empty on SQLite: another process serves the file.
    pub for_nodes: Vec<LivingNode>,
}

/// A migration, and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its name; of one that this version does not know, its stamp alone.
    pub name: String,
    /// Whether it is applied.
    pub applied: bool,
    /// What it does to older programs. `None`: this version does not know it, for the schema is newer than the program.
    pub step: Option<Step>,
}

impl Status {
    /// Whether this version knows it.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.step.is_some()
    }

    /// Whether this version can't serve before it is applied. One that contracts may wait: it only takes away what this version
    /// does not need.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        !self.applied && self.step == Some(Step::Expand)
    }
}

/// Where a database's schema stands, seen by this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// All migrations in order, with those that this version does not know at the end.
    pub migrations: Vec<Status>,
    /// The stamp that a program must know to serve it. `None`: it was migrated by versions from before there was a floor.
    pub floor: Option<String>,
    /// Whether this version may serve it.
    refused_for: Option<String>,
}

impl Schema {
    pub(crate) fn new(known: &[Migration], applied: Vec<String>, floor: Option<String>) -> Self {
        let mut applied: BTreeSet<String> = applied.into_iter().collect();
        let mut migrations: Vec<Status> = known
            .iter()
            .map(|migration| Status {
                name: migration.name.to_owned(),
                applied: applied.remove(&migration.stamp()),
                step: Some(migration.step),
            })
            .collect();
        let refused_for = unknown_floor(known, &applied, floor.as_deref());
        migrations.extend(applied.into_iter().map(|name| Status {
            name,
            applied: true,
            step: None,
        }));
        Self {
            migrations,
            floor,
            refused_for,
        }
    }

    /// The stamp that this version would have to know. `None`: it may serve this schema, once nothing is missing.
    #[must_use]
    pub fn refused_for(&self) -> Option<&str> {
        self.refused_for.as_deref()
    }

    /// Whether it is the one that a program must know to serve this schema.
    #[must_use]
    pub fn is_floor(&self, status: &Status) -> bool {
        self.floor.as_deref() == Some(stamp(&status.name).as_str())
    }

    /// Whether a node's program knows every migration that this version knows.
    #[must_use]
    pub fn is_known_to(&self, node: &Node) -> bool {
        let mut known = self.migrations.iter().filter(|one| one.is_known());
        known.all(|one| node.knows.includes(&stamp(&one.name)))
    }

    /// Those that must be applied before this version can serve.
    pub fn missing(&self) -> impl Iterator<Item = &Status> {
        self.migrations.iter().filter(|migration| migration.is_missing())
    }
}

/// The floor, where a program that knows `known` does not know it. Without a floor, whatever is strange is feared.
pub(crate) fn unknown_floor(
    known: &[Migration],
    strangers: &BTreeSet<String>,
    floor: Option<&str>,
) -> Option<String> {
    match floor {
        Some(floor) => known
            .iter()
            .all(|migration| migration.stamp() != floor)
            .then(|| floor.to_owned()),
        None => strangers.first().cloned(),
    }
}

impl Storage {
    /// Where the schema stands.
    pub async fn schema(&self) -> Result<Schema, StorageError> {
        let (applied, floor) = run!(self, look, migrations::standing())?;
        Ok(Schema::new(self.inner.migrations, applied, floor))
    }

    /// Applies the migrations that are missing. Those that contract wait while something serves the database that does not know
    /// them.
    pub async fn migrate_up(&self) -> Result<Migrated, MigrateError> {
        // On SQLite this lock means serving: no server can start until the run ends.
        let lock = self.claim_serving();
        self.migrate_up_with(lock.map_or(Contracts::Wait, Contracts::Of))
            .await
    }

    /// The same, and says which of those that contract may be applied.
    pub async fn migrate_up_with(&self, contracts: Contracts) -> Result<Migrated, MigrateError> {
        run::up(&self.inner.database, self.inner.migrations, contracts).await
    }

    /// Takes the newest migration back and names it, unless a living node needs it. On SQLite the caller has to hold the right to
    /// serve.
    pub async fn migrate_down(&self) -> Result<Option<String>, MigrateError> {
        run::down(&self.inner.database, self.inner.migrations).await
    }

    /// A migration that this program knows.
    #[must_use]
    pub fn migration(&self, name: &str) -> Option<&'static Migration> {
        self.inner
            .migrations
            .iter()
            .find(|migration| migration.name == name)
    }

    /// About how many rows a table of the schema has; none where there is no such table.
    pub async fn about_how_many(&self, table: String) -> Result<u64, StorageError> {
        run!(self, read, migrations::rows_of(&table))
    }
}
