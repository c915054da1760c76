//! A state of the model: the database, Redis, the revocation and the nodes.

use super::{
    Mutation,
    node::{Node, SentinelId},
};

/// The row of the revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Row {
    NotYet,
    /// Written by a transaction that is still open.
    Recorded {
        at: u8,
    },
    /// The transaction came to nothing.
    RolledBack,
    Visible {
        recorded_at: u8,
    },
}

/// How far the revoking request has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    NotYet,
    /// Announced at `at`. `written`: Redis has made the write, and its answer has not arrived.
    Announced {
        at: u8,
        written: bool,
    },
    Given,
    /// The node died before the answer.
    Never,
}

/// The state of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Redis {
    pub(super) row: bool,
    pub(super) sentinel: SentinelId,
    /// How many sentinels were set.
    pub(super) made: SentinelId,
}

impl Redis {
    pub(super) fn plant(&mut self, mutation: Mutation) {
        if self.sentinel == 0 {
            self.made += 1;
            self.sentinel = if mutation == Mutation::SentinelReused {
                1
            } else {
                self.made
            };
        }
    }
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) tick: u8,
    pub(super) faults: u8,
    pub(super) row: Row,
    pub(super) answer: Answer,
    pub(super) redis: Redis,
    pub(super) nodes: Vec<Node>,
}
