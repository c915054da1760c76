//! Migrations: embedded, forward and back, twins of the same names for both databases.
//!
//! The rule of rolling upgrades: any release runs beside the one before it on one database. A migration that **expands** (new
//! tables, nullable or defaulted columns, indexes, widened checks) breaks no older program and is applied while older ones serve.
//! One that **contracts** (removes or narrows) comes a release later at the earliest, and raises the schema's floor: the oldest
//! stamp that a program must know to serve it. A program starts on a newer schema whose floor it knows.

pub mod effects;
pub(crate) mod indexes;
pub(crate) mod run;
pub(crate) mod tables;

use crate::{Backend, nodes::LivingNode, serving::ServeLock};
use effects::Effect;
use std::collections::BTreeSet;

/// What a migration does to the programs that don't know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It adds or widens: programs that don't know it go on.
    Expand,
    /// It removes or narrows: programs that don't know it can't serve the schema any more.
    Contract,
}

impl Step {
    /// Its word, as `migrate status` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        }
    }
}

/// Which of the migrations that contract may be applied.
#[derive(Debug, Clone, Copy)]
pub enum Contracts<'a> {
    /// Those that every living node knows; on SQLite all, for this is the right to serve.
    Of(&'a ServeLock),
    /// Those that every living node knows; on SQLite none, for another process serves.
    Wait,
    /// All, whatever serves. A node that does not know one is broken by it.
    Force,
}

impl<'a> Contracts<'a> {
    /// As far as the holder of this may.
    #[must_use]
    pub const fn of(lock: &'a ServeLock) -> Self {
        Self::Of(lock)
    }

    pub(crate) const fn rule(self) -> Rule {
        match self {
            Self::Of(_) => Rule::WhereNoOlderNodeLives,
            Self::Wait => Rule::WhereAllNodesAreSeen,
            Self::Force => Rule::Always,
        }
    }
}

/// When a migration that contracts is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Where no node lives that does not know it.
    WhereNoOlderNodeLives,
    /// The same, and never on a database whose nodes write nothing down.
    WhereAllNodesAreSeen,
    /// Always.
    Always,
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

/// What a migration runs on one of the databases.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// Forward.
    pub up: &'static str,
    /// Back.
    pub down: &'static str,
}

/// A migration.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its name: the moment when it was written and, behind the first `_`, what it does.
    pub name: &'static str,
    /// What it does to older programs.
    pub step: Step,
    /// On SQLite.
    pub sqlite: Script,
    /// On PostgreSQL.
    pub postgres: Script,
}

impl Migration {
    /// What its statements do to others on this database.
    #[must_use]
    pub fn effects(&self, backend: Backend) -> Vec<Effect> {
        match backend {
            Backend::Sqlite => effects::on_sqlite(self.sqlite.up),
            Backend::Postgres => effects::on_postgres(self.postgres.up),
        }
    }

    /// The digits of its moment, by which the database remembers it.
    #[must_use]
    pub fn stamp(&self) -> String {
        stamp(self.name)
    }
}

fn stamp(name: &str) -> String {
    let moment = name.split_once('_').map_or(name, |(moment, _)| moment);
    moment.chars().filter(|c| *c != '-').collect()
}

/// The migrations of this version, in the order of their stamps.
#[must_use]
pub fn embedded() -> &'static [Migration] {
    const ALL: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
    ALL
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

    /// The stamp of the newest migration that this version knows.
    #[must_use]
    pub fn newest_known(&self) -> Option<String> {
        let known = self.migrations.iter().rfind(|migration| migration.is_known());
        known.map(|migration| stamp(&migration.name))
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
