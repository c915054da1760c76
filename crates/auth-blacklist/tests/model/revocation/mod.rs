//! The model of revocation: how one is recorded, read, written to Redis, answered and checked (docs/rules.md §1).
//!
//! There is one revocation, in a transaction that becomes visible late; one node or two, each of which may lose its memory; other nodes
//! that set sentinels at any time; and a Redis that is flushed, or restarted from any earlier state. Time advances in ticks of ten seconds,
//! which are both the longest write and `max_staleness`; within a tick, steps are in any order. In every state each node checks a token that
//! the revocation concerns.

mod check;
mod node;
mod revocation_model;
mod state;
mod steps;

pub(crate) use revocation_model::RevocationModel;

use auth_blacklist::{BlacklistConfig, config::LONGEST_WRITE};
use auth_domain::{
    settings::Section as _,
    time::{Span, Timestamp},
};
use std::time::Duration;

/// The unit of time.
pub(crate) const TICK: Duration = LONGEST_WRITE;

/// A deliberate mistake that the model checker must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    None,
    /// Any value of the sentinel, or none, is taken for the known one.
    SentinelIgnored,
    /// Every new sentinel has the same value as the last.
    SentinelReused,
    /// Redis is relied on over a connection that has only just been made.
    NewConnectionBelieved,
    /// A client that reconnects by itself hides a restart of Redis.
    ReconnectsHidden,
    /// Not a mistake of the code: Redis loses single entries and keeps the sentinel, as one that evicts keys does.
    EntriesEvicted,
    /// Reads do not overlap.
    NoLookBack,
    /// A transaction may stay open for any time.
    WritesUnbounded,
    /// A read is assumed to have what was committed when it ended.
    ReadsCountFromTheirEnd,
    /// A read that failed counts as one that found nothing.
    FailedReadsCount,
    /// Memory is relied on at any age.
    StalenessIgnored,
    /// A write to Redis counts as done when it is sent.
    WritesNotAwaited,
    /// The revocation is answered right after its commit.
    AnswersNotHeldBack,
    /// The answer waits for `max_staleness` without the margin.
    AnswersATickEarly,
    /// The revocation is announced and answered before its commit.
    AnnouncedBeforeTheCommit,
}

/// The bounds of a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many ticks time advances.
    pub(crate) ticks: u8,
    /// How often Redis loses data, a connection breaks or a node dies.
    pub(crate) faults: u8,
    /// How many sentinels are set.
    pub(crate) sentinels: u8,
}

/// The nodes, and which of them revokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topology {
    /// One process and no Redis, as with SQLite.
    Alone,
    /// Two nodes; the first one revokes.
    Two,
    /// One node, and any number of others that it knows nothing of: they revoke and set sentinels at any possible time.
    OneAmongMany,
}

/// What is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Session,
    Generation,
}

/// The parameters of a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) topology: Topology,
    pub(crate) redis: bool,
    pub(crate) what: Target,
    pub(crate) bounds: Bounds,
    pub(crate) mutation: Mutation,
}

/// The configuration that the product would accept.
pub(crate) fn config() -> BlacklistConfig {
    let config = BlacklistConfig {
        max_staleness: TICK,
        look_back: 2 * TICK,
        ..BlacklistConfig::default()
    };
    assert_eq!(config.validate(), []);
    config
}

/// The time of every clock in a tick.
fn clock(tick: u8) -> Timestamp {
    Timestamp::UNIX_EPOCH + Span::seconds(1_800_000_000 + i64::from(tick) * 10)
}
