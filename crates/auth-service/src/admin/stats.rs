//! `stats`: the service at a glance. Counting reads every row, so an answer is kept for a while.

use crate::{parts::error::Error, service::Service};
use auth_domain::{
    time::{Span, Timestamp},
    user::UserStatus,
};
use auth_storage::{MailFigures, UserFigures};
use std::sync::PoisonError;

/// How old an answer may be.
const KEPT_FOR: Span = Span::seconds(30);

/// The service at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// When it was counted.
    pub counted_at: Timestamp,
    /// Users by role and status, and live sessions.
    pub users: UserFigures,
    /// How full the outbox is.
    pub mail: MailFigures,
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

impl Service {
    /// The figures, at most half a minute old.
    ///
    /// # Errors
    /// A failure.
    pub async fn stats(&self, now: Timestamp) -> Result<Stats, Error> {
        let kept = self
            .shared()
            .stats
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(kept) = kept.filter(|kept| (now - kept.counted_at).abs() < KEPT_FOR) {
            return Ok(kept);
        }
        let storage = self.storage();
        let stats = Stats {
            counted_at: now,
            users: storage.user_figures(now).await?,
            mail: storage.mail_figures().await?,
            unsealed_audit: storage.unsealed_audit().await?,
        };
        *self.shared().stats.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats.clone());
        Ok(stats)
    }
}
