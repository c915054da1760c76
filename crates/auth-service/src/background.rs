//! What runs beside the requests: the signing keys are loaded anew each second, and expired rows go in bounded batches.

use crate::{error::Error, keyring::KeyRing, moment::Clock};
use auth_domain::time::Span;
use auth_storage::{Storage, SweepTerms};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, Interval, MissedTickBehavior, interval, interval_at},
};

const RELOAD_KEYS: Duration = Duration::from_secs(1);
const SWEEP: Duration = Duration::from_secs(60);
/// How many rows of a kind one transaction removes.
const SWEEP_BATCH: u32 = 500;
/// How long an ended session stays to be seen in its user's list.
const KEEP_ENDED: Span = Span::days(30);

/// The tasks, and how they are told to end. Dropped, it ends them, too.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Background {
    /// Starts the tasks.
    pub(crate) fn start(keys: Arc<KeyRing>, storage: Storage, clock: Arc<dyn Clock>) -> Self {
        let stop = watch::Sender::new(false);
        let (ring, mut reloads) = (Arc::clone(&keys), Rounds::of(RELOAD_KEYS, &stop));
        let reload = async move {
            while reloads.next().await {
                if let Err(error) = ring.reload().await {
                    tracing::warn!(%error, "the signing keys could not be loaded anew; the known ones stay");
                }
            }
        };
        let mut sweeps = Rounds::of(SWEEP, &stop);
        let sweep = async move {
            while sweeps.next().await {
                if let Err(error) = sweep(&keys, &storage, clock.as_ref()).await {
                    tracing::warn!(%error, "expired rows stay until the next round");
                }
            }
        };
        Self {
            stop,
            tasks: Mutex::new(vec![tokio::spawn(reload), tokio::spawn(sweep)]),
        }
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

/// Rounds of some work: one a period, until the end is called or nobody is left who could call it.
struct Rounds {
    ticks: Interval,
    stop: watch::Receiver<bool>,
}

impl Rounds {
    fn of(period: Duration, stop: &watch::Sender<bool>) -> Self {
        let mut ticks = interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            stop: stop.subscribe(),
        }
    }

    /// Waits for the next round; false at the end.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => false,
            _ = self.ticks.tick() => true,
        }
    }
}

/// One batch after the other until nothing is left, with a breath in between: requests come first.
async fn sweep(keys: &KeyRing, storage: &Storage, clock: &dyn Clock) -> Result<(), Error> {
    let now = clock.now();
    if let Some(stored) = keys.stored() {
        stored.retire_expired(now).await?;
    }
    let mut breath = interval(Duration::from_millis(50));
    loop {
        breath.tick().await;
        let terms = SweepTerms {
            keep_ended_sessions: KEEP_ENDED,
            limit: SWEEP_BATCH,
        };
        let swept = storage.sweep(now, terms).await?;
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
