//! Writes revocations to Redis, many in one round trip, and retries what failed.

use crate::{
    backlog::{Backlog, Entry, Ticket},
    clock::Clock,
    link::Link,
    moment::Stopwatch,
    node_state::NodeState,
};
use auth_domain::{revocation::Revocation, time::Timestamp};
use auth_redis::RedisError;
use futures::FutureExt;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// The most revocations that may wait for Redis: some 8 MB.
const QUEUE_CAPACITY: usize = 65_536;
/// How many revocations are written in one round trip. They keep the server busy for about a millisecond.
const BATCH: usize = 256;
/// How long a batch may take. It is longer than a check's timeout, because a finished write is worth more than an early failure.
const BATCH_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after a failed batch, unless a new connection is made earlier.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Writer {
    link: Arc<Link>,
    shared: Arc<NodeState>,
    stopwatch: Stopwatch,
    clock: Clock,
    backlog: Mutex<Backlog>,
    added: Notify,
}

impl Writer {
    pub(crate) fn new(link: Arc<Link>, shared: Arc<NodeState>, stopwatch: Stopwatch, clock: Clock) -> Self {
        Self {
            link,
            shared,
            stopwatch,
            clock,
            backlog: Mutex::new(Backlog::new(QUEUE_CAPACITY)),
            added: Notify::new(),
        }
    }

    /// Queues revocations. They are written even if the ticket is dropped.
    pub(crate) fn add(&self, revocations: &[Revocation]) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket::new(revocations.len()));
        let dropped = self.backlog().add(revocations, &ticket);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "too many revocations wait for Redis; the other nodes will read these from the database"
            );
        }
        self.added.notify_one();
        ticket
    }

    /// Writes until the task is aborted.
    pub(crate) async fn run(&self) {
        let mut refused = false;
        loop {
            let batch = self.backlog().take(BATCH, self.now());
            if batch.is_empty() {
                self.added.notified().await;
                continue;
            }
            if let Err(batch) = self.try_batch(batch, &mut refused).await {
                self.backlog().put_back(batch);
                tokio::select! {
                    biased;
                    () = self.link.connected() => {}
                    () = sleep(PAUSE) => {}
                }
            }
        }
    }

    async fn try_batch(&self, batch: Vec<Entry>, refused: &mut bool) -> Result<(), Vec<Entry>> {
        let Some(live) = self.link.live() else {
            return Err(batch);
        };
        let revocations: Vec<Revocation> = batch.iter().map(|entry| entry.revocation).collect();
        let now = self.now();
        // A server that refuses writes because it is full still answers checks, so this must not open the breaker.
        let merge = live
            .connection
            .merge(&revocations, now)
            .map(|outcome| match outcome {
                Err(RedisError::Refused(why)) => Ok(Err(why)),
                other => other.map(Ok),
            });
        match self.link.within(&live, BATCH_TIMEOUT, merge).await {
            Some(Ok(())) => {
                *refused = false;
                for entry in batch {
                    entry.mark_written();
                }
                Ok(())
            }
            Some(Err(why)) => {
                if !std::mem::replace(refused, true) {
                    tracing::warn!(
                        why,
                        "Redis refuses writes; the other nodes will read the revocations from the database"
                    );
                }
                Err(batch)
            }
            None => Err(batch),
        }
    }

    fn now(&self) -> Timestamp {
        self.shared.cautious_now(self.stopwatch.read(), (self.clock)())
    }

    fn backlog(&self) -> std::sync::MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
