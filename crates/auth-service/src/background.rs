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
    // The earlier of the two clocks: a node that is ahead must take nothing from those that are not.
    let now = clock.now().min(storage.ping().await?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyset::KeySet;
    use auth_domain::{
        ids::{SessionId, TokenId, UserId},
        revocation::TokenRef,
        time::Timestamp,
        user::Generation,
    };
    use auth_storage::{DatabaseConfig, Terms};

    struct Shows(Timestamp);

    impl Clock for Shows {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    /// Its rows are the truth for nodes whose clock is right, and for those that start next.
    #[tokio::test]
    async fn a_node_whose_clock_is_ahead_sweeps_nothing_that_others_still_need() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(&DatabaseConfig {
            url: format!("sqlite://{}", folder.path().join("a.db").display()).into(),
            ..DatabaseConfig::default()
        })
        .await
        .unwrap();
        storage.migrate_up().await.unwrap();
        let now = storage.ping().await.unwrap();
        let asked = TokenRef {
            token: TokenId::from_parts(now, [1; 10]),
            session: SessionId::from_parts(now, [2; 10]),
            user: UserId::from_parts(now, [3; 10]),
            generation: Generation::FIRST,
        };
        let terms = Terms {
            now,
            until_at_least: now + Span::hours(1),
            grace: Span::seconds(6),
        };
        storage.revoke_token(asked.token, terms).await.unwrap();
        let keys = KeyRing::new(KeySet::shared_secret(&[7; 32]).unwrap(), None, now);
        sweep(&keys, &storage, &Shows(now + Span::days(365)))
            .await
            .unwrap();
        assert!(storage.facts(asked).await.unwrap().token);
    }
}
