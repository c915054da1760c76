//! Which copy of the truth decides a check. Pure functions: the server and the simulation run these same ones.
//!
//! Two things make a copy trustworthy, and both are about *when*:
//! - **Memory** has everything committed before the last complete read began. It decides while that is at most `max_staleness`
//!   ago, because a revocation is not answered until that much later, unless Redis has it.
//! - **Redis** has everything written to it, except what it lost. What it lost, it lost before its present state began: before
//!   the connection was made, or before the sentinel's value came to be (a flush takes the sentinel along). If the node's last
//!   complete read began after both, then the read has what Redis lost. Otherwise Redis doesn't count.

use crate::{copy::LocalCopy, moment::Moment};
use auth_domain::{
    revocation::{RevocationFacts, TokenRef, Verdict},
    time::Timestamp,
};
use std::time::Duration;

/// Nobody who can be believed could be asked; the caller answers 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was revoked is not known at the moment: the database can't be asked")]
pub struct Unavailable;

/// What a check does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is decided.
    Answer(Verdict),
    /// Redis is asked, in one round trip.
    AskRedis,
    /// The database is asked.
    AskDatabase,
}

/// What Redis said of a token, and since when that can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisReply {
    /// What it has.
    pub facts: RevocationFacts,
    /// What was written to it later than this, it still has. `None`: no telling, the sentinel is missing.
    pub holds_since: Option<Moment>,
}

/// The rules by which a check goes from copy to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long memory may be relied on after the beginning of the last complete read.
    pub max_staleness: Duration,
    /// How much longer, where the database can't be asked.
    pub serve_stale: Duration,
    /// Whether there is a Redis between the nodes.
    pub redis: bool,
}

impl Policy {
    /// Where a check begins. `at` and `now` are the moment and the clock of the check's beginning.
    #[must_use]
    pub fn first(&self, copy: &LocalCopy, token: &TokenRef, at: Moment, now: Timestamp) -> Step {
        let verdict = copy.facts(token).verdict(token.generation);
        // What is named first (docs/http-contract.md) can't be outdone by what another copy knows.
        if verdict == Verdict::AllSessionsRevoked {
            Step::Answer(verdict)
        } else if copy.staleness(at, now).is_none_or(|age| age > self.max_staleness) {
            Step::AskDatabase
        } else if self.redis {
            Step::AskRedis
        } else {
            Step::Answer(verdict)
        }
    }

    /// Where it goes once Redis has answered. The copy is looked at anew: a read that was completed meanwhile counts.
    #[must_use]
    pub fn after_redis(&self, copy: &LocalCopy, token: &TokenRef, reply: RedisReply) -> Step {
        let counts = match (reply.holds_since, copy.last_read_began()) {
            (Some(since), Some(began)) => since < began,
            _ => false,
        };
        let verdict = copy.facts(token).and(reply.facts).verdict(token.generation);
        if counts || verdict == Verdict::AllSessionsRevoked {
            Step::Answer(verdict)
        } else {
            Step::AskDatabase
        }
    }

    /// Where it ends once the database was asked. `redis` is what Redis said on the way, if it said something.
    ///
    /// What any copy knows of a revocation is true even of an outdated copy, so a token that is known to be dead is refused
    /// without the database; one that seems to be alive is not accepted without it, save where `serve_stale` says so.
    ///
    /// # Errors
    /// [`Unavailable`] if the database could not be asked.
    pub fn after_database(
        &self,
        copy: &LocalCopy,
        token: &TokenRef,
        redis: RevocationFacts,
        database: Option<RevocationFacts>,
        at: Moment,
        now: Timestamp,
    ) -> Result<Verdict, Unavailable> {
        let known = copy.facts(token).and(redis);
        if let Some(facts) = database {
            return Ok(known.and(facts).verdict(token.generation));
        }
        let verdict = known.verdict(token.generation);
        let bearable = !self.serve_stale.is_zero()
            && copy
                .staleness(at, now)
                .is_some_and(|age| age <= self.max_staleness.saturating_add(self.serve_stale));
        if verdict != Verdict::Valid || bearable {
            Ok(verdict)
        } else {
            Err(Unavailable)
        }
    }
}

/// A value under the sentinel's key: random, and never used twice. It is compared and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentinel(Vec<u8>);

impl Sentinel {
    /// The value that was found, or is to be set.
    #[must_use]
    pub const fn new(value: Vec<u8>) -> Self {
        Self(value)
    }

    /// Its bytes, for writing.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a node has seen of the sentinel: its value, and when it saw that value for the first time.
#[derive(Debug, Clone, Default)]
pub struct Sight(Option<(Sentinel, Moment)>);

impl Sight {
    /// Since when what Redis says holds, if it was said with this sentinel on a connection that was made then. `None` also
    /// where the value is news: [`Self::note`] it first.
    #[must_use]
    pub fn holds_since(&self, connection_made: Moment, value: &Sentinel) -> Option<Moment> {
        let (known, first_seen) = self.0.as_ref()?;
        (known == value).then(|| connection_made.max(*first_seen))
    }

    /// Takes down what was found under the sentinel's key in an answer that came in at `at`. A value that comes back after
    /// another one, or after none, is a new one: who knows what was lost in between.
    pub fn note(&mut self, value: Option<Sentinel>, at: Moment) {
        match (&self.0, value) {
            (Some((known, _)), Some(value)) if *known == value => {}
            (_, Some(value)) => self.0 = Some((value, at)),
            (_, None) => self.0 = None,
        }
    }

    /// Whether a sentinel was there at the last look.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
