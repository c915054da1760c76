//! The statistics of the service. Counting reads every row, so an answer is cached for some time.

use auth_domain::{
    time::{Span, Timestamp},
    user::UserStatus,
};
use auth_storage::{outbox, users};
use std::sync::{Mutex, PoisonError};

/// How old a cached answer may be.
const KEPT_FOR: Span = Span::seconds(30);

/// The statistics of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// When they were counted.
    pub counted_at: Timestamp,
    /// Users by role and status, and active sessions.
    pub users: users::Figures,
    /// The mails in the outbox.
    pub mail: outbox::Figures,
    /// How many rows of the audit log wait for their seal.
    pub unsealed_audit: u64,
}

impl Stats {
    /// How many users have this status; with `None`, how many users there are.
    #[must_use]
    pub fn users_of(&self, status: Option<UserStatus>) -> u64 {
        self.users
            .users
            .iter()
            .filter(|(_, stored, _)| status.is_none_or(|status| stored == status.as_str()))
            .map(|(_, _, count)| count)
            .sum()
    }
}

/// The cache of the last answer.
#[derive(Default)]
pub(crate) struct StatsCache(Mutex<Option<Stats>>);

impl StatsCache {
    /// The last answer, if it is not too old.
    pub(crate) fn fresh(&self, now: Timestamp) -> Option<Stats> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        kept.filter(|kept| (now - kept.counted_at).abs() < KEPT_FOR)
    }

    pub(crate) fn store(&self, stats: Stats) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats);
    }
}
