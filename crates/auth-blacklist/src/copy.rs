//! One node's copy of the live revocations. Pure: no I/O, no clock; what comes in only ever adds (the larger generation and
//! the later end win), because a revocation is never taken back.

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

/// Revocations that lapse within the same so many seconds are forgotten together, so that a purge costs what it forgets.
const SLOT_SECONDS: i64 = 10;

/// When a read of the database began, on both of the node's clocks. What was committed by then is in the read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began {
    /// By elapsed time: decides what came before what.
    pub at: Moment,
    /// By the clock on the wall: shows that the machine slept, which elapsed time may not count.
    pub clock: Timestamp,
}

/// The revocations that a node holds in memory, and how far they may be relied on.
#[derive(Debug, Default)]
pub struct LocalCopy {
    tokens: HashMap<TokenId, Timestamp>,
    sessions: HashMap<SessionId, Timestamp>,
    users: HashMap<UserId, (Generation, Timestamp)>,
    lapsing: BTreeMap<i64, Vec<Key>>,
    last_read: Option<Began>,
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Token(TokenId),
    Session(SessionId),
    User(UserId),
}

impl LocalCopy {
    /// Takes a revocation in. Taking one in twice changes nothing; a shorter or lower one takes nothing back.
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

    /// A read that began then was taken in to its last row: from now on the copy has everything that was committed by `began`.
    pub fn complete_read(&mut self, began: Began, batch: impl IntoIterator<Item = Revocation>) {
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

    /// How old the copy is: the time since its last complete read began, by whichever clock shows more. `None`: never read.
    #[must_use]
    pub fn staleness(&self, at: Moment, now: Timestamp) -> Option<Duration> {
        let began = self.last_read?;
        let by_wall = age(began.clock, now).to_std().unwrap_or(Duration::ZERO);
        Some(at.since(began.at).max(by_wall))
    }

    /// What the copy knows of a token. Lapsed revocations count for as long as they are still here: they stay true.
    #[must_use]
    pub fn facts(&self, token: &TokenRef) -> RevocationFacts {
        RevocationFacts {
            token: self.tokens.contains_key(&token.token),
            session: self.sessions.contains_key(&token.session),
            least: self.users.get(&token.user).map(|(least, _)| *least),
        }
    }

    /// Forgets up to about `at_most` revocations that lapsed before `by`; says how many. Hand in what both the node's and the
    /// database's clock have passed: a clock that leapt ahead for a moment must not make a node forget for good.
    pub fn purge(&mut self, by: Timestamp, at_most: usize) -> usize {
        let mut forgotten = 0;
        while forgotten < at_most
            && let Some(entry) = self.lapsing.first_entry()
            && *entry.key() < slot(by)
        {
            for key in entry.remove() {
                forgotten += usize::from(self.forget(key, by));
            }
        }
        forgotten
    }

    /// Forgets a revocation unless its end was moved out since it was filed under the slot.
    fn forget(&mut self, key: Key, by: Timestamp) -> bool {
        let lapsed = |until: Option<&Timestamp>| until.is_some_and(|until| slot(*until) < slot(by));
        match key {
            Key::Token(id) => lapsed(self.tokens.get(&id)) && self.tokens.remove(&id).is_some(),
            Key::Session(id) => lapsed(self.sessions.get(&id)) && self.sessions.remove(&id).is_some(),
            Key::User(id) => {
                lapsed(self.users.get(&id).map(|(_, until)| until)) && self.users.remove(&id).is_some()
            }
        }
    }

    /// How many revocations it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len() + self.sessions.len() + self.users.len()
    }

    /// Whether it holds none.
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
