//! One node: what it has in memory, and what it has seen of Redis and when. The code that ships makes all its decisions; the state here is
//! only the input of that code.

use super::{TICK, clock};
use auth_blacklist::{
    copy::{LocalCopy, ReadStart},
    moment::Moment,
    protocol::{RedisReply, Sentinel, SentinelHistory},
    window::{Coverage, ReadWindow},
};
use auth_domain::{
    revocation::{Revocation, RevocationFacts},
    time::Timestamp,
};
use std::time::Duration;

/// A moment of a node: the tick, and the order within the tick. For a moment at which Redis was seen, the model keeps only which of the
/// node's reads began before it; nothing else depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct At {
    pub(crate) tick: u8,
    order: u8,
}

impl At {
    /// Later than everything else in its tick.
    pub(crate) const fn now(tick: u8) -> Self {
        Self { tick, order: u8::MAX }
    }

    pub(crate) fn moment(self) -> Moment {
        Moment::from_start(u32::from(self.tick) * TICK + Duration::from_micros(u64::from(self.order)))
    }
}

/// The number of a sentinel's value; 0 is none.
pub(crate) type SentinelId = u8;

fn sentinel(name: SentinelId) -> Option<Sentinel> {
    (name != 0).then(|| Sentinel::new(vec![name]))
}

/// A read of the database in progress. It sees what is visible when it begins. (If its statement is late and sees more, the node only
/// knows more.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Reading {
    pub(crate) began: At,
    /// Whether it saw the row.
    pub(crate) row: bool,
}

/// The purpose of a command to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// The first command on a new connection.
    Connecting,
    /// A periodic probe.
    Probe,
    /// The sentinel was missing.
    Plant,
    /// The check of a token whose revocation was answered before the check began.
    Check,
}

/// A command to Redis in progress: at most one for each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asking {
    pub(crate) purpose: Purpose,
    /// When its connection was made.
    pub(crate) made: At,
    /// The server's answer: whether it has the row, and its sentinel. It may arrive much later.
    pub(crate) answer: Option<(bool, SentinelId)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Node {
    /// Whether the row is in memory.
    pub(crate) knows: bool,
    pub(crate) last_read: Option<At>,
    pub(crate) reading: Option<Reading>,
    /// The database's clock at the last complete read. (The real window uses the lowest of several such readings, and so overlaps at least as
    /// much.)
    judged: Option<u8>,
    /// When the connection was made.
    pub(crate) connection: Option<At>,
    /// The last sentinel seen, and when it was first seen.
    pub(crate) sentinel_seen: Option<(SentinelId, At)>,
    pub(crate) asking: Option<Asking>,
}

impl Node {
    /// The node's memory, as the type that ships.
    pub(crate) fn copy(&self, revocation: Revocation) -> LocalCopy {
        let mut copy = LocalCopy::default();
        if self.knows {
            copy.insert(revocation);
        }
        if let Some(at) = self.last_read {
            let began = ReadStart {
                at: at.moment(),
                clock: clock(at.tick),
            };
            copy.complete_read(began, []);
        }
        copy
    }

    /// The time after which a read that begins now takes rows.
    pub(crate) fn reads_after(&self, look_back: Duration) -> Option<Timestamp> {
        let mut window = ReadWindow::new(look_back);
        if let Some(showed) = self.judged {
            let at = start_of(showed);
            assert_eq!(window.record(at, at, clock(showed)), Coverage::Complete);
        }
        window.after()
    }

    /// The read in progress is complete; `began` is assumed to be its start.
    pub(crate) fn end_read(&mut self, read: Reading, began: At) {
        self.judged = Some(read.began.tick);
        self.knows |= read.row;
        self.last_read = Some(began);
        self.reading = None;
    }

    /// Observes a sentinel, as [`SentinelHistory`] does.
    pub(crate) fn note(&mut self, name: SentinelId, now: At) {
        let mut history = self.product_history();
        history.observe(sentinel(name), now.moment());
        let dawn = At::default().moment();
        let first_seen = sentinel(name).and_then(|value| history.complete_since(dawn, &value));
        self.sentinel_seen = match (first_seen, self.sentinel_seen) {
            (None, _) => None,
            (Some(since), Some((_, before))) if since == before.moment() => Some((name, before)),
            (Some(_), _) => Some((name, now)),
        };
    }

    /// Redis's answer to a check, and since when it is complete: the same few lines as in the code that ships.
    pub(crate) fn reply(
        &mut self,
        asked: Asking,
        facts: RevocationFacts,
        name: SentinelId,
        now: At,
    ) -> RedisReply {
        let hold = |node: &Self| {
            let value = sentinel(name)?;
            node.product_history().complete_since(asked.made.moment(), &value)
        };
        let complete_since = hold(self).or_else(|| {
            self.note(name, now);
            hold(self)
        });
        RedisReply {
            facts,
            complete_since,
        }
    }

    fn product_history(&self) -> SentinelHistory {
        let mut history = SentinelHistory::default();
        if let Some((name, at)) = self.sentinel_seen {
            history.observe(sentinel(name), at.moment());
        }
        history
    }

    /// Clears what no later step depends on, so that states with the same future are equal.
    pub(crate) fn normalise(&mut self) {
        if let Some(asking) = &mut self.asking
            && asking.purpose != Purpose::Check
        {
            asking.made = At::default();
        }
        let reads = [self.last_read, self.reading.map(|reading| reading.began)];
        let placed = |(read, order): (Option<At>, u8)| read.map(|at| (at, At { order, ..at }));
        let reads: Vec<(At, At)> = reads.into_iter().zip([2, 4]).filter_map(placed).collect();
        let seen = self.connection.iter_mut();
        let seen = seen.chain(self.sentinel_seen.as_mut().map(|(_, at)| at));
        for at in seen.chain(self.asking.as_mut().map(|asking| &mut asking.made)) {
            let read = reads.iter().rev().find(|(began, _)| *began < *at);
            *at = read.map_or(At::default(), |(_, placed)| At {
                order: placed.order + 1,
                ..*placed
            });
        }
        if let Some(at) = &mut self.last_read {
            at.order = 2;
        }
        if let Some(reading) = &mut self.reading {
            reading.began.order = 4;
        }
    }
}

/// The beginning of a tick.
pub(crate) fn start_of(tick: u8) -> Moment {
    Moment::from_start(u32::from(tick) * TICK)
}
