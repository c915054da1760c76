//! One node's copy of the revocations. Pure: no I/O and no clock. Revocations are only ever added (the larger generation and the later
//! expiry win), because a revocation is never withdrawn.

use crate::moment::Moment;
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef},
    time::{Timestamp, age},
    user::Generation,
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// Revocations that lapse within the same slot are removed together, so that a purge costs only what it removes.
const SLOT_SECONDS: i64 = 10;

/// The start of a read of the database, by both clocks of the node. The read has everything that was committed by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadStart {
    /// Monotonic time: decides the order of events.
    pub at: Moment,
    /// The wall clock: reveals that the machine slept, which monotonic time may not count.
    pub clock: Timestamp,
}

/// The revocations in a node's memory, and how old they are.
#[derive(Debug, Default)]
pub struct LocalCopy {
    tokens: HashMap<TokenId, Timestamp>,
    sessions: HashMap<SessionId, Timestamp>,
    users: HashMap<UserId, (Generation, Timestamp)>,
    lapsing: BTreeMap<i64, Vec<Key>>,
    last_read: Option<ReadStart>,
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Token(TokenId),
    Session(SessionId),
    User(UserId),
}

impl LocalCopy {
    /// Adds a revocation. Adding it twice changes nothing, and one with an earlier expiry or a lower generation does not replace another.
    pub fn insert(&mut self, revocation: Revocation) {
        let until = revocation.until;
        let (key, grew) = match revocation.what {
            Revoked::Token(id) => (
                Key::Token(id),
                extend(self.tokens.entry(id).or_insert(Timestamp::MIN_UTC), until),
            ),
            Revoked::Session(id) => (
                Key::Session(id),
                extend(self.sessions.entry(id).or_insert(Timestamp::MIN_UTC), until),
            ),
            Revoked::User(id, generation) => {
                let (least, end) = self.users.entry(id).or_insert((generation, Timestamp::MIN_UTC));
                *least = generation.max(*least);
                (Key::User(id), extend(end, until))
            }
        };
        if grew {
            self.lapsing.entry(slot(until)).or_default().push(key);
        }
    }

    /// Records that a read is complete, and adds `batch`. From now on the copy has everything that was committed by `began`.
    pub fn complete_read(&mut self, began: ReadStart, batch: impl IntoIterator<Item = Revocation>) {
        for revocation in batch {
            self.insert(revocation);
        }
        if self.last_read.is_none_or(|last| last.at < began.at) {
            self.last_read = Some(began);
        }
    }

    /// When the last complete read began.
    #[must_use]
    pub fn last_read_began(&self) -> Option<Moment> {
        self.last_read.map(|began| began.at)
    }

    /// The age of the copy: the time since its last complete read began, by the clock that shows more. `None`: never read.
    #[must_use]
    pub fn staleness(&self, at: Moment, now: Timestamp) -> Option<Duration> {
        let began = self.last_read?;
        let by_wall = age(began.clock, now).to_std().unwrap_or(Duration::ZERO);
        Some(at.since(began.at).max(by_wall))
    }

    /// The revocations in the copy that concern a token. Lapsed ones still count until they are purged: they remain correct.
    #[must_use]
    pub fn facts(&self, token: &TokenRef) -> RevocationFacts {
        RevocationFacts {
            token: self.tokens.contains_key(&token.token),
            session: self.sessions.contains_key(&token.session),
            least: self.users.get(&token.user).map(|(least, _)| *least),
        }
    }

    /// Removes up to about `at_most` revocations that lapsed before `by`, and returns how many. `by` must be in the past by both the node's
    /// and the database's clock: a clock that was ahead for a moment must not remove revocations for good.
    pub fn purge(&mut self, by: Timestamp, at_most: usize) -> usize {
        let mut removed = 0;
        while removed < at_most
            && let Some(entry) = self.lapsing.first_entry()
            && *entry.key() < slot(by)
        {
            for key in entry.remove() {
                removed += usize::from(self.remove_lapsed(key, by));
            }
        }
        removed
    }

    /// Removes a revocation unless its expiry has moved later since it was added to the slot.
    fn remove_lapsed(&mut self, key: Key, by: Timestamp) -> bool {
        let lapsed = |until: Option<&Timestamp>| until.is_some_and(|until| slot(*until) < slot(by));
        match key {
            Key::Token(id) => lapsed(self.tokens.get(&id)) && self.tokens.remove(&id).is_some(),
            Key::Session(id) => lapsed(self.sessions.get(&id)) && self.sessions.remove(&id).is_some(),
            Key::User(id) => {
                lapsed(self.users.get(&id).map(|(_, until)| until)) && self.users.remove(&id).is_some()
            }
        }
    }

    /// The number of revocations in the copy.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len() + self.sessions.len() + self.users.len()
    }

    /// Whether the copy has no revocation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn slot(at: Timestamp) -> i64 {
    at.timestamp().div_euclid(SLOT_SECONDS)
}

fn extend(end: &mut Timestamp, until: Timestamp) -> bool {
    let grew = *end < until;
    *end = until.max(*end);
    grew
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
