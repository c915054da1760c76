//! Brings revocations to Redis, many in one round trip, and tries again what failed.

use crate::{
    backlog::{Backlog, Entry, Ticket},
    clock::Clock,
    link::Link,
};
use auth_domain::revocation::Revocation;
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
    clock: Clock,
    backlog: Mutex<Backlog>,
    added: Notify,
}

impl Writer {
    pub(crate) fn new(link: Arc<Link>, clock: Clock) -> Self {
        Self {
            link,
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
        loop {
            let batch = self.backlog().take(BATCH, (self.clock)());
            if batch.is_empty() {
                self.added.notified().await;
                continue;
            }
            if let Err(batch) = self.try_batch(batch).await {
                self.backlog().put_back(batch);
                tokio::select! {
                    biased;
                    () = self.link.came() => {}
                    () = sleep(PAUSE) => {}
                }
            }
        }
    }

    async fn try_batch(&self, batch: Vec<Entry>) -> Result<(), Vec<Entry>> {
        let Some(live) = self.link.live() else {
            return Err(batch);
        };
        let revocations: Vec<Revocation> = batch.iter().map(|entry| entry.revocation).collect();
        let now = (self.clock)();
        match self
            .link
            .within(&live, PATIENCE, live.connection.merge(&revocations, now))
            .await
        {
            Some(()) => {
                for entry in batch {
                    entry.written();
                }
                Ok(())
            }
            None => Err(batch),
        }
    }

    fn backlog(&self) -> std::sync::MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
