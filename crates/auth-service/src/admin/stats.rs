//! `stats` and `activity`: the statistics that administrators read.

use crate::{
    parts::{activity::ActivityCount, failure::Failure, stats::Stats},
    service::Service,
};
use auth_domain::time::Timestamp;

impl Service {
    /// The statistics, at most half a minute old.
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

    /// The number of events on all nodes by hour and kind, from the hour of `since` on. What other nodes counted in the last minute
    /// is still missing.
    pub async fn activity(&self, since: Timestamp) -> Result<Vec<ActivityCount>, Failure> {
        self.state().activity.since(since, self.storage()).await
    }
}
