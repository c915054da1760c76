//! Revocation: how it is recorded, read, written to Redis and answered, and what the nodes make of it (docs/rules.md §1).
//!
//! There is one revocation, in a transaction that becomes visible late; one node or two, each of which may lose its memory;
//! other nodes that plant sentinels as they please; and a Redis that is flushed, or restarted from any state it ever was in.
//! Time goes on in ticks of ten seconds, which are both the longest write and `max_staleness`; within a tick everything can
//! come in any order. In every state each node is asked for a token that the revocation hit.

mod check;
mod fleet;
mod node;
mod steps;

pub(crate) use fleet::Fleet;

use auth_blacklist::{BlacklistConfig, config::LONGEST_WRITE};
use auth_domain::{
    settings::Section as _,
    time::{Span, Timestamp},
};
use std::time::Duration;

/// The unit of time.
pub(crate) const TICK: Duration = LONGEST_WRITE;

/// A mistake that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    /// Whatever is under the sentinel's key, and nothing, too, passes for the sentinel.
    SentinelIgnored,
    /// Each sentinel that is planted is the same as the last.
    SentinelReused,
    /// Redis is believed on a connection that has only just been made.
    NewConnectionBelieved,
    /// A restart of Redis is hidden by a client that connects again by itself.
    ReconnectsHidden,
    /// No mistake of ours: Redis loses single entries and keeps the sentinel, as one that evicts keys does.
    EntriesEvicted,
    /// A read does not go back over ground already covered.
    NoLookBack,
    /// A transaction may stay open for as long as it likes.
    WritesUnbounded,
    /// A read is taken to hold what was committed when it ended.
    ReadsCountFromTheirEnd,
    /// A read that failed counts as one that found nothing.
    FailedReadsCount,
    /// Memory is relied on however old it is.
    StalenessIgnored,
    /// Redis is said to have what was only sent to it.
    WritesNotAwaited,
    /// The answer goes out with the commit.
    AnswersNotHeldBack,
    /// The answer is held back for `max_staleness` without the margin.
    AnswersATickEarly,
    /// It is announced, and answered, before it is committed.
    AnnouncedBeforeTheCommit,
}

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many ticks time goes on.
    pub(crate) ticks: u8,
    /// How often Redis loses something, a connection breaks or a node dies.
    pub(crate) faults: u8,
    /// How many sentinels are made.
    pub(crate) sentinels: u8,
}

/// Who revokes, and who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// One process and no Redis, as with SQLite.
    Alone,
    /// Two nodes; the first one revokes.
    Two,
    /// One node, and any number of others of which it knows nothing: they revoke and plant at any time that they could.
    OneAmongMany,
}

/// What is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Session,
    Generation,
}

/// A model to be walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) cast: Cast,
    pub(crate) redis: bool,
    pub(crate) what: What,
    pub(crate) bounds: Bounds,
    pub(crate) broken: Broken,
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

/// What every clock shows in a tick.
fn clock(tick: u8) -> Timestamp {
    Timestamp::UNIX_EPOCH + Span::seconds(1_800_000_000 + i64::from(tick) * 10)
}
