//! The nodes that serve a database, so that nothing is taken from under one that still needs it.
//!
//! On PostgreSQL each node writes every few seconds that it lives. On SQLite one process serves, which the lock of the file says
//! better: there nothing is written.

use crate::{Backend, Storage, StorageError, storage::run};
use auth_domain::time::{Span, Timestamp};
use uuid::Uuid;

/// How often a node should say that it lives.
pub const SAYS_SO_EACH: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a node is taken for living after it last said so.
pub const LIVES_FOR: Span = Span::seconds(60);
/// When a node that ended without a word is forgotten.
pub(crate) const LONG_GONE: Span = Span::days(1);

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id: another one at each start.
    pub id: Uuid,
    /// The version of its program.
    pub version: String,
    /// The stamp of the newest migration that its program knows.
    pub knows: String,
}

/// A node that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivingNode {
    /// Which.
    pub node: Node,
    /// When it started, by the database's clock.
    pub started_at: Timestamp,
    /// How long ago it said that it lives.
    pub seen_before: Span,
}

impl Storage {
    /// A node of this program: its id is made of these random bytes.
    #[must_use]
    pub fn node(&self, random: [u8; 16], version: &str) -> Node {
        Node {
            id: uuid::Builder::from_random_bytes(random).into_uuid(),
            version: version.to_owned(),
            knows: self.knows(),
        }
    }

    /// A node is about to serve. To be said before it looks whether it may serve the schema: a migration that contracts then either
    /// sees the node, or is seen by it.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn node_starts(&self, node: Node) -> Result<(), StorageError> {
        if self.backend() == Backend::Postgres {
            run!(self, write, nodes::starts(&node))?;
        }
        Ok(())
    }

    /// A node lives.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn node_lives(&self, node: Node) -> Result<(), StorageError> {
        if self.backend() == Backend::Postgres {
            run!(self, write, nodes::seen(&node))?;
        }
        Ok(())
    }

    /// A node has ended, and nothing needs to wait for it any more.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn node_gone(&self, node: Node) -> Result<(), StorageError> {
        if self.backend() == Backend::Postgres {
            run!(self, write, nodes::gone(&node))?;
        }
        Ok(())
    }

    /// The nodes that live; none on SQLite.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn nodes(&self) -> Result<Vec<LivingNode>, StorageError> {
        run!(self, read, nodes::living())
    }
}
