//! `stats` and `activity`: the figures that administrators look at.

use crate::{
    parts::{activity::ActivityCount, failure::Failure, stats::Stats},
    service::Service,
};
use auth_domain::time::Timestamp;

impl Service {
    /// The figures, at most half a minute old.
    ///
    /// # Errors
    /// A failure.
    pub async fn stats(&self, now: Timestamp) -> Result<Stats, Failure> {
        if let Some(kept) = self.state().stats.fresh(now) {
            return Ok(kept);
        }
        let storage = self.storage();
        let stats = Stats {
            counted_at: now,
            users: storage.user_figures(now).await?,
            mail: storage.mail_figures().await?,
            unsealed_audit: storage.unsealed_audit().await?,
        };
        self.state().stats.store(stats.clone());
        Ok(stats)
    }

    /// How often what happened in the hour of `since` and in those after it, by hour and kind, on all nodes: what the others
    /// counted in the last minute is not there yet.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn activity(&self, since: Timestamp) -> Result<Vec<ActivityCount>, Failure> {
        self.state().activity.since(since, self.storage()).await
    }
}
