//! Reads new revocations from the database into the node's copy, and measures the offset between the two clocks.

use crate::{
    clock::Clock,
    copy::ReadStart,
    link::Link,
    moment::Stopwatch,
    node_state::{LastRead, NodeState},
    protocol::Sentinel,
    revocation_source::{RevocationBatch, RevocationSource},
    window::{Coverage, ReadWindow},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How many revocations are added or purged under one lock, so that no check waits long.
const CHUNK: usize = 1024;
/// A read of everything may take this many times as long as a read of what is new.
const FULL_READ_FACTOR: u32 = 15;

pub(crate) struct Reader {
    pub(crate) source: Arc<dyn RevocationSource>,
    pub(crate) shared: Arc<NodeState>,
    pub(crate) link: Option<Arc<Link>>,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) clock: Clock,
    pub(crate) read_interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) window: ReadWindow,
}

impl Reader {
    /// Reads at every interval until the task is aborted.
    pub(crate) async fn run(mut self) {
        let mut ticks = interval(self.read_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            let coverage = self.read_once().await;
            if coverage.is_none() != failing {
                failing = !failing;
                if failing {
                    tracing::warn!("revocations can't be read from the database");
                } else {
                    tracing::info!("revocations are read from the database again");
                }
            }
            if coverage == Some(Coverage::Incomplete) {
                tracing::warn!("the database's clock was set back; all revocations are read anew");
                ticks.reset_immediately();
            }
        }
    }

    /// One read. `None`: it failed, and nothing follows from it.
    async fn read_once(&mut self) -> Option<Coverage> {
        let began = ReadStart {
            at: self.stopwatch.read(),
            clock: (self.clock)(),
        };
        let after = self.window.after();
        let limit = if after.is_none() {
            FULL_READ_FACTOR * self.timeout
        } else {
            self.timeout
        };
        let batch = timeout(limit, self.source.revocations_since(after))
            .await
            .ok()?
            .ok()?;
        let (ended, clock) = (self.stopwatch.read(), (self.clock)());
        // The database read its clock at some time during the read: the middle of the read is off by half of its length at most.
        let halfway = began.clock + (clock - began.clock) / 2;
        let database_now = batch.database_now;
        self.shared.note_read(LastRead {
            database_now,
            ended,
            took: ended.since(began.at),
            offset: database_now - halfway,
        });
        let coverage = self.window.record(began.at, ended, batch.database_now);
        self.insert(&batch, (coverage == Coverage::Complete).then_some(began));
        self.shared.write().purge(database_now.min(clock), CHUNK);
        if coverage == Coverage::Complete
            && let Some(link) = &self.link
        {
            link.set_sentinel_if_missing(new_sentinel).await;
        }
        Some(coverage)
    }

    fn insert(&self, batch: &RevocationBatch, complete: Option<ReadStart>) {
        for chunk in batch.revocations.chunks(CHUNK) {
            let mut copy = self.shared.write();
            for (revocation, _) in chunk {
                copy.insert(*revocation);
            }
        }
        if let Some(began) = complete {
            self.shared.write().complete_read(began, []);
        }
    }
}

/// A sentinel that was never used before. `None` if the system has no random bytes: then Redis is not relied on until it does.
fn new_sentinel() -> Option<Sentinel> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(Sentinel::new(
        format!("{:032x}", u128::from_be_bytes(bytes)).into_bytes(),
    ))
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
