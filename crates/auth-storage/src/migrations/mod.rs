//! Migrations. They are embedded in the program, can be applied and reverted, and have the same names for both databases.
//!
//! The rule of rolling upgrades: any release can run together with the previous one on one database. A migration that **expands** (new
//! tables, nullable or defaulted columns, indexes, widened checks) breaks no older program and is applied while older ones serve. One
//! that **contracts** (removes or narrows) comes at least one release later, and becomes the schema's floor: a program must know the
//! floor to serve the schema. So a program starts on a newer schema whose floor it knows.

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
    nodes::{LiveNode, Node},
    serving::ServeLock,
    storage::{Storage, run},
};
use migration::stamp;
use std::collections::BTreeSet;

/// Which contracting migrations may be applied.
#[derive(Debug, Clone)]
pub enum Contracts {
    /// Those that every live node knows. On SQLite: all of them, because the run holds the right to serve until it ends.
    Of(ServeLock),
    /// Those that every live node knows. On SQLite: none, because another process serves.
    Wait,
    /// All of them. A live node that does not know one of them breaks.
    Force,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrated {
    /// The names of the applied migrations, in order.
    pub applied: Vec<String>,
    /// The migrations that were held back, and why.
    pub held_back: Vec<HeldBack>,
}

/// A migration that was not applied, because it would break a live node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Its name.
    pub migration: String,
    /// The nodes that don't know it. Empty on SQLite, where another process serves the file.
    pub for_nodes: Vec<LiveNode>,
}

/// A migration, and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its name, or only its stamp if this version does not know it.
    pub name: String,
    /// Whether it is applied.
    pub applied: bool,
    /// What it does to older programs. `None`: this version does not know it, because the schema is newer than the program.
    pub step: Option<Step>,
}

impl Status {
    /// Whether this version knows it.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.step.is_some()
    }

    /// Whether it has to be applied before this version can serve. A contracting migration may wait, because it only removes what this
    /// version does not need.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        !self.applied && self.step == Some(Step::Expand)
    }
}

/// The state of a database's schema, as this version sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// All migrations in order. Those that this version does not know come last.
    pub migrations: Vec<Status>,
    /// The stamp that a program must know to serve it. `None`: only versions from before the floor was introduced have migrated it.
    pub floor: Option<String>,
    /// The stamp that this version would have to know to serve it.
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

    /// The stamp that this version would have to know. `None`: it may serve this schema once no migration is missing.
    #[must_use]
    pub fn refused_for(&self) -> Option<&str> {
        self.refused_for.as_deref()
    }

    /// Whether it is the migration that a program must know to serve this schema.
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

    /// The migrations that must be applied before this version can serve.
    pub fn missing(&self) -> impl Iterator<Item = &Status> {
        self.migrations.iter().filter(|migration| migration.is_missing())
    }
}

/// The floor, if a program that knows `known` does not know it. Without a floor, the first unknown stamp counts as one.
pub(crate) fn unknown_floor(
    known: &[Migration],
    unknown_stamps: &BTreeSet<String>,
    floor: Option<&str>,
) -> Option<String> {
    match floor {
        Some(floor) => known
            .iter()
            .all(|migration| migration.stamp() != floor)
            .then(|| floor.to_owned()),
        None => unknown_stamps.first().cloned(),
    }
}

impl Storage {
    /// The state of the schema.
    pub async fn schema(&self) -> Result<Schema, StorageError> {
        let (applied, floor) = run!(self, look, migrations::state())?;
        Ok(Schema::new(self.inner.migrations, applied, floor))
    }

    /// Applies the missing migrations. Contracting ones wait while a live node does not know them.
    pub async fn migrate_up(&self) -> Result<Migrated, MigrateError> {
        // On SQLite this lock is the right to serve: no server can start until the run ends.
        let lock = self.claim_serving();
        self.migrate_up_with(lock.map_or(Contracts::Wait, Contracts::Of))
            .await
    }

    /// The same, with a choice of the contracting migrations that may be applied.
    pub async fn migrate_up_with(&self, contracts: Contracts) -> Result<Migrated, MigrateError> {
        run::up(&self.inner.database, self.inner.migrations, contracts).await
    }

    /// Reverts the newest migration and returns its name, unless a live node needs it. On SQLite the caller has to hold the right to
    /// serve.
    pub async fn migrate_down(&self) -> Result<Option<String>, MigrateError> {
        run::down(&self.inner.database, self.inner.migrations).await
    }

    /// The migration with this name, if this program knows it.
    #[must_use]
    pub fn migration(&self, name: &str) -> Option<&'static Migration> {
        self.inner
            .migrations
            .iter()
            .find(|migration| migration.name == name)
    }

    /// The estimated number of rows of a table; 0 if the table does not exist.
    pub async fn about_how_many(&self, table: String) -> Result<u64, StorageError> {
        run!(self, read, migrations::rows_of(&table))
    }
}
