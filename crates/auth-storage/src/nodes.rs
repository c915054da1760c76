//! The nodes that serve a database. The rule: a migration removes nothing that a live node still needs.
//!
//! On PostgreSQL each node sends a heartbeat every few seconds: it updates its row. On SQLite one process serves the file and holds its
//! lock, so no heartbeats are written.

use crate::{
    config::Backend,
    error::StorageError,
    migrations::migration::Migration,
    storage::{Storage, run},
};
use auth_domain::time::{Span, Timestamp};
use std::fmt;
use uuid::Uuid;

/// How often a node sends a heartbeat.
pub const HEARTBEAT_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);
/// How long after its last heartbeat a node counts as live.
pub const HEARTBEAT_TIMEOUT: Span = Span::seconds(60);
/// How long after its last heartbeat the row of a node that was killed is removed.
pub(crate) const KEPT_FOR: Span = Span::days(1);

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id, which is new at each start.
    pub id: Uuid,
    /// The version of its program.
    pub version: String,
    /// The migrations that its program knows.
    pub knows: Known,
}

/// The migrations that a program knows, in the form of its node's row: their stamps, the newest first, each followed by a comma.
///
/// An older program writes only its newest stamp, and compares rows with a stamp as texts. The order of the list keeps that correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known(pub(crate) String);

impl Known {
    fn of(migrations: &[Migration]) -> Self {
        Self(
            migrations
                .iter()
                .rev()
                .map(|one| format!("{},", one.stamp()))
                .collect(),
        )
    }

    /// The migrations in a row.
    #[must_use]
    pub const fn stored(row: String) -> Self {
        Self(row)
    }

    /// The stamp of the newest migration.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.0.split(',').next().unwrap_or_default()
    }

    /// Whether the migration with this stamp is one of them. The row of an older program contains only its newest stamp: then every
    /// earlier stamp counts as known, even if the older program's branch lacks that migration.
    #[must_use]
    pub fn includes(&self, stamp: &str) -> bool {
        if self.0.contains(',') {
            self.0.split(',').any(|known| known == stamp)
        } else {
            self.0.as_str() >= stamp
        }
    }
}

/// A live node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveNode {
    /// The node.
    pub node: Node,
    /// When it started, by the database's clock.
    pub started_at: Timestamp,
    /// How long ago it sent its last heartbeat.
    pub seen_before: Span,
}

impl fmt::Display for LiveNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (node, ago) = (&self.node, self.seen_before.num_seconds());
        write!(f, "{} (version {}, seen {ago} s ago)", node.id, node.version)
    }
}

impl LiveNode {
    /// The nodes in one line, for a message.
    #[must_use]
    pub fn list(nodes: &[Self]) -> String {
        nodes.iter().map(Self::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl Storage {
    /// A node of this program, with an id made of these random bytes.
    #[must_use]
    pub fn node(&self, random: [u8; 16], version: &str) -> Node {
        Node {
            id: uuid::Builder::from_random_bytes(random).into_uuid(),
            version: version.to_owned(),
            knows: Known::of(self.inner.migrations),
        }
    }

    /// Sends a node's first heartbeat. It must be sent before the node checks whether it may serve the schema: then a contracting
    /// migration either sees the node, or the node sees the migration.
    pub async fn first_heartbeat(&self, node: Node) -> Result<(), StorageError> {
        if self.backend() == Backend::Postgres {
            run!(self, write, nodes::first_heartbeat(&node))?;
        }
        Ok(())
    }

    /// Sends a heartbeat.
    pub async fn heartbeat(&self, node: Node) -> Result<(), StorageError> {
        if self.backend() == Backend::Postgres {
            run!(self, write, nodes::heartbeat(&node))?;
        }
        Ok(())
    }

    /// Removes the row of a node that has stopped, so that no migration waits for it.
    pub async fn remove_node(&self, node: Node) -> Result<(), StorageError> {
        if self.backend() == Backend::Postgres {
            run!(self, write, nodes::remove(&node))?;
        }
        Ok(())
    }

    /// The live nodes; none on SQLite.
    pub async fn nodes(&self) -> Result<Vec<LiveNode>, StorageError> {
        run!(self, read, nodes::live())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::migration::embedded;

    #[test]
    fn a_program_knows_its_own_migrations_and_no_other_whatever_their_stamps() {
        let known = Known::of(embedded());
        assert!(embedded().iter().all(|one| known.includes(&one.stamp())));
        assert_eq!(known.newest(), embedded().last().unwrap().stamp());
        for stranger in ["20260101000000", "29990101000000"] {
            assert!(!known.includes(stranger), "{stranger}");
        }
        assert!(!Known::of(&[]).includes("20260101000000"));
    }

    #[test]
    fn a_list_and_a_single_stamp_compare_as_their_newest_stamps_do() {
        let (older, newer) = (Known::of(&embedded()[..1]), Known::of(embedded()));
        let newest = newer.newest().to_owned();
        assert!(older.0 < newest && newest <= newer.0 && newer.0.as_str() < "29990101000000");
        // The row of an older program has one stamp.
        let single = Known(newest.clone());
        assert!(
            single.includes(&newest) && single.includes(older.newest()) && !single.includes("29990101000000")
        );
    }
}
