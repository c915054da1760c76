//! Brings revocations to Redis, many in one round trip, and tries again what failed.

use crate::{
    backlog::{Backlog, Entry, Ticket},
    clock::Clock,
    link::Link,
    moment::Stopwatch,
    shared::Shared,
};
use auth_domain::{revocation::Revocation, time::Timestamp};
use auth_redis::RedisError;
use futures::FutureExt;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// How many revocations wait for Redis at the most: some 8 MB.
const ROOM: usize = 65_536;
/// How many go in one round trip: the server is busy with them for about a millisecond.
const BATCH: usize = 256;
/// How long a batch may take. Longer than a check waits: it is worth more to have it written than to give up early.
const PATIENCE: Duration = Duration::from_secs(1);
/// The pause after a batch that failed, unless a connection comes earlier.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Writer {
    link: Arc<Link>,
    shared: Arc<Shared>,
    stopwatch: Stopwatch,
    clock: Clock,
    backlog: Mutex<Backlog>,
    added: Notify,
}

impl Writer {
    pub(crate) fn new(link: Arc<Link>, shared: Arc<Shared>, stopwatch: Stopwatch, clock: Clock) -> Self {
        Self {
            link,
            shared,
            stopwatch,
            clock,
            backlog: Mutex::new(Backlog::new(ROOM)),
            added: Notify::new(),
        }
    }

    /// Queues revocations. They are written also if nobody waits on the ticket any more.
    pub(crate) fn add(&self, revocations: &[Revocation]) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket::new(revocations.len()));
        let dropped = self.backlog().add(revocations, &ticket);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "too many revocations wait for Redis; the other nodes read these from the database"
            );
        }
        self.added.notify_one();
        ticket
    }

    /// Writes for as long as the node lives.
    pub(crate) async fn write(&self) {
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
                    () = self.link.came() => {}
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
        // A server that refuses to write, being full, may still be asked: that is no reason to open the breaker.
        let merge = live
            .connection
            .merge(&revocations, now)
            .map(|outcome| match outcome {
                Err(RedisError::Refused(why)) => Ok(Err(why)),
                other => other.map(Ok),
            });
        match self.link.within(&live, PATIENCE, merge).await {
            Some(Ok(())) => {
                *refused = false;
                for entry in batch {
                    entry.written();
                }
                Ok(())
            }
            Some(Err(why)) => {
                if !std::mem::replace(refused, true) {
                    tracing::warn!(
                        why,
                        "Redis refuses to take revocations; the other nodes read them from the database"
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
