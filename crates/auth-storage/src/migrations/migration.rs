//! A migration: its name, its step, and its script for each database.

use super::effects::{self, Effect};
use crate::config::Backend;

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
