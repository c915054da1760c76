//! A migration: its name, its step, and its script for each database. The rule: its name starts with its stamp, which orders it.

use super::effects::{self, Effect};
use crate::config::Backend;

/// What a migration does to the programs that don't know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It adds or widens: programs that don't know it keep working.
    Expand,
    /// It removes or narrows: programs that don't know it can no longer serve the schema.
    Contract,
}

impl Step {
    /// The step as `migrate status` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        }
    }
}

/// The statements of a migration for one database.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// They apply the migration.
    pub up: &'static str,
    /// They revert it.
    pub down: &'static str,
}

/// A migration.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its name: the time when it was written and, after the first `_`, what it does.
    pub name: &'static str,
    /// What it does to older programs.
    pub step: Step,
    /// The script for SQLite.
    pub sqlite: Script,
    /// The script for PostgreSQL.
    pub postgres: Script,
}

impl Migration {
    /// What its statements do to concurrent requests on this database.
    #[must_use]
    pub fn effects(&self, backend: Backend) -> Vec<Effect> {
        match backend {
            Backend::Sqlite => effects::on_sqlite(self.sqlite.up),
            Backend::Postgres => effects::on_postgres(self.postgres.up),
        }
    }

    /// The digits of its time, by which the database records it.
    #[must_use]
    pub fn stamp(&self) -> String {
        stamp(self.name)
    }
}

/// The stamp in a migration's name.
pub(super) fn stamp(name: &str) -> String {
    let moment = name.split_once('_').map_or(name, |(moment, _)| moment);
    moment.chars().filter(|c| *c != '-').collect()
}

/// The migrations of this version, in the order of their stamps.
#[must_use]
pub fn embedded() -> &'static [Migration] {
    const ALL: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
    ALL
}
