//! What all parts of a run share: virtual time, chance, the order of events, and which part is broken on purpose.

use crate::chance::Chance;
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

/// A mistake that somebody could make. Each is a lie told to the blacklist by what it stands on, so that what is tested is
/// always the code that ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    /// Redis is believed after a flush: the sentinel is always the same.
    FlushedRedisIsTrusted,
    /// Reconnects are hidden, as the crate's `ConnectionManager` hides them.
    ReconnectsAreHidden,
    /// Reads do not go back.
    NoLookBack,
    /// A read that failed counts as one that found nothing.
    FailedReadsCount,
    /// Redis says that it has what it has not.
    WritesAreNotAwaited,
    /// The answer goes out with the commit.
    AnswersAreNotHeldBack,
    /// The database's clock seems to run on when it was set back.
    ClockStepsAreMissed,
}

pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) broken: Broken,
    /// Tokens live for seconds, so that revocations lapse during the run; the database's clock keeps its pace then.
    pub(crate) short_lives: bool,
    started: Instant,
    events: AtomicU64,
    diary: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, broken: Broken) -> Self {
        let chance = Chance::new(seed);
        let short_lives = chance.percent(50);
        Self {
            chance,
            broken,
            short_lives,
            started: Instant::now(),
            events: AtomicU64::new(0),
            diary: Mutex::default(),
        }
    }

    /// The number of the next event: of two events in the same millisecond it tells which came first.
    pub(crate) fn event(&self) -> u64 {
        self.events.fetch_add(1, Ordering::Relaxed)
    }

    /// The true time, which no clock in the run shows exactly.
    pub(crate) fn time(&self) -> Timestamp {
        start_of_time() + Span::from_std(self.started.elapsed()).unwrap()
    }

    /// Writes down what happened, to be read when a seed fails.
    pub(crate) fn note(&self, what: impl std::fmt::Display) {
        self.diary
            .lock()
            .unwrap()
            .push(format!("{:>6} ms  {what}", self.started.elapsed().as_millis()));
    }

    pub(crate) fn take_diary(&self) -> Vec<String> {
        std::mem::take(&mut self.diary.lock().unwrap())
    }

    /// A way over the network: mostly quick, now and then not.
    pub(crate) async fn travel(&self, usual: u64, slow: u64) {
        let bound = if self.chance.percent(5) { slow } else { usual };
        tokio::time::sleep(self.chance.millis(0..bound)).await;
    }

    pub(crate) async fn pause(&self, from: u64, to: u64) {
        tokio::time::sleep(self.chance.millis(from..to)).await;
    }
}

pub(crate) fn start_of_time() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
