//! The service at a glance. Counting reads every row, so an answer is kept for a while.

use auth_domain::{
    time::{Span, Timestamp},
    user::UserStatus,
};
use auth_storage::{outbox, users};
use std::sync::{Mutex, PoisonError};

/// How old an answer may be.
const KEPT_FOR: Span = Span::seconds(30);

/// The service at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// When it was counted.
    pub counted_at: Timestamp,
    /// Users by role and status, and live sessions.
    pub users: users::Figures,
    /// How full the outbox is.
    pub mail: outbox::Figures,
    /// How many rows of the audit log wait for their seal.
    pub unsealed_audit: u64,
}

impl Stats {
    /// How many users there are of a status; of any without one.
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

/// The last answer.
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
