//! Shared by all parts of a run: virtual time, random numbers, the order of events, the journal, and the deliberate mistake.

use crate::random::Random;
use auth_domain::time::{Span, Timestamp};
use chrono::DateTime;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// A deliberate mistake that the simulation must find. Each is made by the simulated database, Redis or client and not by the blacklist,
/// so the code under test is always the code that ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    None,
    /// Redis is relied on after a flush: the sentinel is always the same.
    FlushedRedisIsTrusted,
    /// Reconnects are hidden, as the crate's `ConnectionManager` hides them.
    ReconnectsAreHidden,
    /// Reads do not overlap.
    NoLookBack,
    /// A read that failed counts as one that found nothing.
    FailedReadsCount,
    /// Redis acknowledges writes that it does not make.
    WritesAreNotAwaited,
    /// A revocation is answered right after its commit.
    AnswersAreNotHeldBack,
    /// The nodes don't see that the database's clock was set.
    ClockStepsAreMissed,
}

pub(crate) struct Environment {
    pub(crate) random: Random,
    pub(crate) mutation: Mutation,
    /// Tokens are valid for seconds, so that revocations lapse during the run. Then the database's clock is not set.
    pub(crate) short_lives: bool,
    started: Instant,
    events: AtomicU64,
    journal: Mutex<Vec<String>>,
}

impl Environment {
    pub(crate) fn new(seed: u64, mutation: Mutation) -> Self {
        let random = Random::new(seed);
        let short_lives = random.percent(50);
        Self {
            random,
            mutation,
            short_lives,
            started: Instant::now(),
            events: AtomicU64::new(0),
            journal: Mutex::default(),
        }
    }

    /// The number of the next event, which orders events of the same millisecond.
    pub(crate) fn event(&self) -> u64 {
        self.events.fetch_add(1, Ordering::Relaxed)
    }

    /// The true time, which no clock in the run shows exactly.
    pub(crate) fn time(&self) -> Timestamp {
        start_of_time() + Span::from_std(self.started.elapsed()).unwrap()
    }

    /// Records an event, to be read when a seed fails.
    pub(crate) fn note(&self, what: impl std::fmt::Display) {
        self.journal
            .lock()
            .unwrap()
            .push(format!("{:>6} ms  {what}", self.started.elapsed().as_millis()));
    }

    pub(crate) fn take_journal(&self) -> Vec<String> {
        std::mem::take(&mut self.journal.lock().unwrap())
    }

    /// The delay of the network: usually below `usual`, at times up to `slow` (milliseconds).
    pub(crate) async fn travel(&self, usual: u64, slow: u64) {
        let bound = if self.random.percent(5) { slow } else { usual };
        tokio::time::sleep(self.random.millis(0..bound)).await;
    }

    pub(crate) async fn pause(&self, from: u64, to: u64) {
        tokio::time::sleep(self.random.millis(from..to)).await;
    }
}

pub(crate) fn start_of_time() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
