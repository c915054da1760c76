//! Reads new revocations from the database into the node's copy, and measures how far the two clocks are apart.

use crate::{
    clock::Clock,
    copy::Began,
    link::Link,
    moment::Stopwatch,
    protocol::Sentinel,
    shared::{LastRead, Shared},
    truth::{Batch, Truth},
    window::{ReadWindow, Worth},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How many revocations are taken in, or forgotten, at a time, so that no check waits long for its look.
const PORTION: usize = 1024;
/// How many times as long a read of everything may take as one of what is new.
const WHOLE: u32 = 15;

pub(crate) struct Reader {
    pub(crate) truth: Arc<dyn Truth>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) link: Option<Arc<Link>>,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) clock: Clock,
    pub(crate) read_interval: Duration,
    pub(crate) patience: Duration,
    pub(crate) window: ReadWindow,
}

impl Reader {
    /// Reads for as long as the node lives.
    pub(crate) async fn read(mut self) {
        let mut ticks = interval(self.read_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            let outcome = self.read_once().await;
            if outcome.is_none() != failing {
                failing = !failing;
                if failing {
                    tracing::warn!("revocations can't be read from the database");
                } else {
                    tracing::info!("revocations are read from the database again");
                }
            }
            if outcome == Some(Worth::ReadAll) {
                tracing::warn!("the database's clock was set back; all revocations are read anew");
                ticks.reset_immediately();
            }
        }
    }

    /// One read. `None`: it failed, and nothing is concluded from it.
    async fn read_once(&mut self) -> Option<Worth> {
        let began = Began {
            at: self.stopwatch.read(),
            clock: (self.clock)(),
        };
        let after = self.window.after();
        let patience = if after.is_none() {
            WHOLE * self.patience
        } else {
            self.patience
        };
        let batch = timeout(patience, self.truth.revocations_since(after))
            .await
            .ok()?
            .ok()?;
        let (ended, clock) = (self.stopwatch.read(), (self.clock)());
        // The database told its clock at some moment of the read: halfway is off by half the read at the most.
        let halfway = began.clock + (clock - began.clock) / 2;
        let database_now = batch.database_now;
        self.shared.note_read(LastRead {
            database_now,
            ended,
            took: ended.since(began.at),
            offset: database_now - halfway,
        });
        let worth = self.window.judge(began.at, ended, batch.database_now);
        self.take_in(&batch, (worth == Worth::Complete).then_some(began));
        self.shared.write().purge(database_now.min(clock), PORTION);
        if worth == Worth::Complete
            && let Some(link) = &self.link
        {
            link.plant_if_missing(fresh_sentinel).await;
        }
        Some(worth)
    }

    fn take_in(&self, batch: &Batch, complete: Option<Began>) {
        for portion in batch.revocations.chunks(PORTION) {
            let mut copy = self.shared.write();
            for (revocation, _) in portion {
                copy.insert(*revocation);
            }
        }
        if let Some(began) = complete {
            self.shared.write().complete_read(began, []);
        }
    }
}

/// A value that was never under the sentinel's key before. Without random bytes there is none, and Redis waits to be believed.
fn fresh_sentinel() -> Option<Sentinel> {
    let mut chance = [0_u8; 16];
    getrandom::fill(&mut chance).ok()?;
    Some(Sentinel::new(
        format!("{:032x}", u128::from_be_bytes(chance)).into_bytes(),
    ))
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
