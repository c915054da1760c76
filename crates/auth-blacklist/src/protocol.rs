//! Which copy of the revocations answers a check. Pure functions: the server and the simulation run the same ones.
//!
//! A copy can be relied on because of *when* it was read or reached:
//! - **Memory** has everything that was committed before the last complete read began. It may answer while that is at most
//!   `max_staleness` ago: unless Redis has a revocation, the request that revoked is not answered earlier than that.
//! - **Redis** has everything that was written to it, except what it lost. It can have lost data only before the connection was made,
//!   or before the sentinel was set (a flush deletes the sentinel, too). If the node's last complete read began after both, then memory
//!   has what Redis lost. Otherwise Redis may not answer.

use crate::{copy::LocalCopy, moment::Moment};
use auth_domain::{
    revocation::{RevocationFacts, TokenRef, Verdict},
    time::Timestamp,
};
use std::time::Duration;

/// No reliable copy could be asked. The caller answers 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revocations can't be checked at the moment: the database is unavailable")]
pub struct Unavailable;

/// The next step of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The check is decided.
    Answer(Verdict),
    /// Ask Redis, in one round trip.
    AskRedis,
    /// Ask the database.
    AskDatabase,
}

/// Redis's answer about a token, and how far it can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisReply {
    /// The revocations in Redis that concern the token.
    pub facts: RevocationFacts,
    /// Redis still has everything that was written to it later than this. `None`: not known, because the sentinel is missing.
    pub complete_since: Option<Moment>,
}

/// The rules by which a check proceeds from memory to Redis to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long memory may be relied on, counted from the start of the last complete read.
    pub max_staleness: Duration,
    /// How much longer it may be relied on while the database is unavailable.
    pub serve_stale: Duration,
    /// Whether the nodes share a Redis.
    pub redis: bool,
}

impl Policy {
    /// The first step of a check, which began at `at` by monotonic time and at `now` by the wall clock.
    #[must_use]
    pub fn first(&self, copy: &LocalCopy, token: &TokenRef, at: Moment, now: Timestamp) -> Step {
        let verdict = copy.facts(token).verdict(token.generation);
        // This verdict takes precedence (docs/http-contract.md), so no other copy can change it.
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

    /// The step after Redis has answered. The local copy is consulted again, because a read may have completed meanwhile.
    #[must_use]
    pub fn after_redis(&self, copy: &LocalCopy, token: &TokenRef, reply: RedisReply) -> Step {
        let redis_is_complete = match (reply.complete_since, copy.last_read_began()) {
            (Some(since), Some(began)) => since < began,
            _ => false,
        };
        let verdict = copy.facts(token).and(reply.facts).verdict(token.generation);
        if redis_is_complete || verdict == Verdict::AllSessionsRevoked {
            Step::Answer(verdict)
        } else {
            Step::AskDatabase
        }
    }

    /// The verdict after the database was asked. `redis` is the answer of Redis, if there was one.
    ///
    /// A revocation that any copy has is valid even if the copy is outdated. So a token that is known to be revoked is refused without the
    /// database. A token that seems valid is not accepted without the database, unless `serve_stale` allows it.
    ///
    /// # Errors
    /// [`Unavailable`] if the database could not be asked and no copy refuses the token.
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
        let may_serve_stale = !self.serve_stale.is_zero()
            && copy
                .staleness(at, now)
                .is_some_and(|age| age <= self.max_staleness.saturating_add(self.serve_stale));
        if verdict != Verdict::Valid || may_serve_stale {
            Ok(verdict)
        } else {
            Err(Unavailable)
        }
    }
}

/// The value of the key `sentinel`, which shows whether Redis lost data: random, never used twice, and only ever compared. (It has
/// nothing to do with Redis Sentinel.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentinel(Vec<u8>);

impl Sentinel {
    /// A value that was read, or that is to be set.
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

/// The sentinel as a node last saw it: its value, and when the node first saw that value.
#[derive(Debug, Clone, Default)]
pub struct SentinelHistory(Option<(Sentinel, Moment)>);

impl SentinelHistory {
    /// Since when Redis has kept everything, according to an answer with this sentinel on a connection made at `connection_made`. `None`
    /// if the value is new: call [`Self::observe`] first.
    #[must_use]
    pub fn complete_since(&self, connection_made: Moment, value: &Sentinel) -> Option<Moment> {
        let (known, first_seen) = self.0.as_ref()?;
        (known == value).then(|| connection_made.max(*first_seen))
    }

    /// Records the sentinel of an answer that arrived at `at`. A value that reappears after another one, or after none, counts as new:
    /// Redis may have lost data in between.
    pub fn observe(&mut self, value: Option<Sentinel>, at: Moment) {
        match (&self.0, value) {
            (Some((known, _)), Some(value)) if *known == value => {}
            (_, Some(value)) => self.0 = Some((value, at)),
            (_, None) => self.0 = None,
        }
    }

    /// Whether the last answer had a sentinel.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
