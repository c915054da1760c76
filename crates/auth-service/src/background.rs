//! What runs beside the requests: the signing keys are loaded anew each second, and expired rows go in bounded batches.

use crate::service::Shared;
use auth_domain::time::Span;
use auth_storage::SweepTerms;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

const RELOAD_KEYS: Duration = Duration::from_secs(1);
const SWEEP: Duration = Duration::from_secs(60);
/// How many rows of a kind one transaction removes.
const SWEEP_BATCH: u32 = 500;
/// How long an ended session stays to be seen in its user's list.
const KEEP_ENDED: Span = Span::days(30);

/// The tasks, and how they are told to end.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Default for Background {
    fn default() -> Self {
        Self {
            stop: watch::Sender::new(false),
            tasks: Mutex::default(),
        }
    }
}

impl Background {
    /// Starts the tasks. They hold the service weakly, so that dropping it ends them, too.
    pub(crate) fn start(&self, shared: &Arc<Shared>) {
        let keys = every(
            RELOAD_KEYS,
            self.stop.subscribe(),
            Arc::downgrade(shared),
            |shared| async move {
                if let Err(error) = shared.reload_keys().await {
                    tracing::warn!(%error, "the signing keys could not be loaded anew; the known ones stay");
                }
            },
        );
        let sweep = every(
            SWEEP,
            self.stop.subscribe(),
            Arc::downgrade(shared),
            |shared| async move {
                if let Err(error) = sweep(&shared).await {
                    tracing::warn!(%error, "expired rows stay until the next round");
                }
            },
        );
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.extend([tokio::spawn(keys), tokio::spawn(sweep)]);
    }

    /// Ends the tasks and waits for them.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            let _ = task.await;
        }
    }
}

async fn every<F: Future<Output = ()>>(
    period: Duration,
    mut stop: watch::Receiver<bool>,
    shared: Weak<Shared>,
    work: impl Fn(Arc<Shared>) -> F,
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        let Some(shared) = shared.upgrade() else { return };
        work(shared).await;
    }
}

/// One batch after the other until nothing is left, with a breath in between: requests come first.
async fn sweep(shared: &Shared) -> Result<(), crate::error::Error> {
    let now = shared.clock.now();
    if let Some(key_admin) = &shared.key_admin {
        key_admin.retire_expired(now).await?;
    }
    let mut breath = interval(Duration::from_millis(50));
    loop {
        breath.tick().await;
        let terms = SweepTerms {
            keep_ended_sessions: KEEP_ENDED,
            limit: SWEEP_BATCH,
        };
        let swept = shared.admin.storage().sweep(now, terms).await?;
        let most = [
            swept.revocations,
            swept.sessions,
            swept.one_time_tokens,
            swept.keys,
        ]
        .into_iter()
        .max();
        if most.unwrap_or(0) < u64::from(SWEEP_BATCH) {
            return Ok(());
        }
    }
}
