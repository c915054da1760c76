//! One node: what it holds in memory, what it has seen of Redis and when. Each of its decisions is made by the code that
//! ships: the state here is only what that code is asked with.

use super::{TICK, clock};
use auth_blacklist::{
    copy::{Began, LocalCopy},
    moment::Moment,
    protocol::{RedisReply, Sentinel, Sight},
    window::{ReadWindow, Worth},
};
use auth_domain::{
    revocation::{Revocation, RevocationFacts},
    time::Timestamp,
};
use std::time::Duration;

/// A moment of a node: the tick, and what came before what within it. Of a moment at which Redis was seen no more is kept than
/// which of the reads that the node remembers began before it; nothing else is asked of it.
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

/// The name of a sentinel's value; 0 is none.
pub(crate) type Name = u8;

fn sentinel(name: Name) -> Option<Sentinel> {
    (name != 0).then(|| Sentinel::new(vec![name]))
}

/// A read of the database under way. It sees what is visible when it begins: if its statement is late and sees more, the node
/// only knows more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Reading {
    pub(crate) began: At,
    /// Whether the row was among those that it took.
    pub(crate) row: bool,
}

/// Why Redis is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    /// The first question on a new connection.
    Connecting,
    /// A sign of life.
    Probe,
    /// The sentinel was missing.
    Plant,
    /// A token is checked that was revoked, and the revocation answered, before the check began.
    Check,
}

/// A question to Redis under way: there is room for one a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asking {
    pub(crate) why: Why,
    /// When its connection was made.
    pub(crate) made: At,
    /// What the server answered: whether it has the row, and its sentinel. The answer may arrive much later.
    pub(crate) answer: Option<(bool, Name)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Node {
    /// Whether the row is in memory.
    pub(crate) knows: bool,
    pub(crate) last_read: Option<At>,
    pub(crate) reading: Option<Reading>,
    /// What the database's clock showed at the last read that was judged. (The product's window goes by the lowest of several
    /// such readings, and so at least as far back.)
    judged: Option<u8>,
    /// When the connection was made.
    pub(crate) connection: Option<At>,
    /// The sentinel last seen, and when it was seen first.
    pub(crate) sight: Option<(Name, At)>,
    pub(crate) asking: Option<Asking>,
}

impl Node {
    /// The node's memory as the product keeps it.
    pub(crate) fn copy(&self, revocation: Revocation) -> LocalCopy {
        let mut copy = LocalCopy::default();
        if self.knows {
            copy.insert(revocation);
        }
        if let Some(at) = self.last_read {
            let began = Began {
                at: at.moment(),
                clock: clock(at.tick),
            };
            copy.complete_read(began, []);
        }
        copy
    }

    /// From when on a read that begins now takes rows.
    pub(crate) fn reads_after(&self, look_back: Duration) -> Option<Timestamp> {
        let mut window = ReadWindow::new(look_back);
        if let Some(showed) = self.judged {
            let at = start_of(showed);
            assert_eq!(window.judge(at, at, clock(showed)), Worth::Complete);
        }
        window.after()
    }

    /// The read under way is complete; `began` is when it is taken to have begun.
    pub(crate) fn end_read(&mut self, read: Reading, began: At) {
        self.judged = Some(read.began.tick);
        self.knows |= read.row;
        self.last_read = Some(began);
        self.reading = None;
    }

    /// Takes down a sentinel, as [`Sight`] does.
    pub(crate) fn note(&mut self, name: Name, now: At) {
        let mut sight = self.product_sight();
        sight.note(sentinel(name), now.moment());
        let dawn = At::default().moment();
        let first_seen = sentinel(name).and_then(|value| sight.holds_since(dawn, &value));
        self.sight = match (first_seen, self.sight) {
            (None, _) => None,
            (Some(since), Some((_, before))) if since == before.moment() => Some((name, before)),
            (Some(_), _) => Some((name, now)),
        };
    }

    /// What Redis said in a check, and since when it can be relied on: the same few lines as in the product's link.
    pub(crate) fn reply(&mut self, asked: Asking, facts: RevocationFacts, name: Name, now: At) -> RedisReply {
        let hold = |node: &Self| {
            let value = sentinel(name)?;
            node.product_sight().holds_since(asked.made.moment(), &value)
        };
        let holds_since = hold(self).or_else(|| {
            self.note(name, now);
            hold(self)
        });
        RedisReply { facts, holds_since }
    }

    fn product_sight(&self) -> Sight {
        let mut sight = Sight::default();
        if let Some((name, at)) = self.sight {
            sight.note(sentinel(name), at.moment());
        }
        sight
    }

    /// Forgets what nothing hangs on any more, so that states that go on alike are equal.
    pub(crate) fn settle(&mut self) {
        if let Some(asking) = &mut self.asking
            && asking.why != Why::Check
        {
            asking.made = At::default();
        }
        let reads = [self.last_read, self.reading.map(|reading| reading.began)];
        let placed = |(read, order): (Option<At>, u8)| read.map(|at| (at, At { order, ..at }));
        let reads: Vec<(At, At)> = reads.into_iter().zip([2, 4]).filter_map(placed).collect();
        let seen = self.connection.iter_mut();
        let seen = seen.chain(self.sight.as_mut().map(|(_, at)| at));
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
