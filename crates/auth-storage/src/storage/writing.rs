//! Whether the database accepts writes. Reads still succeed when the disk is full or broken, so readiness needs a write. The rule: a
//! probe writes one small row, seldom, and sooner after the write of a request has failed.

use super::{Storage, run};
use crate::error::{Outage, StorageError};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, time::timeout};

/// How long the result of a successful write is reused.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// How long the result of a failed write is reused: the next attempt comes soon, but not with every probe.
const BAD_FOR: Duration = Duration::from_secs(1);
/// How long the write of a probe may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The results of the latest writes.
#[derive(Default)]
pub(crate) struct Writes {
    /// Whether the write of a request has failed since the last probe began.
    failed: AtomicBool,
    /// When the last probe ended, and its result. Locked during a probe, so that of many concurrent probes only one writes.
    last: Mutex<Option<(Instant, Result<(), StorageError>)>>,
}

impl Writes {
    /// Remembers that the write of a request failed. A success proves nothing, because the operation may not have written anything.
    pub(crate) fn ended<T>(&self, outcome: &Result<T, StorageError>) {
        if outcome.as_ref().err().is_some_and(shows_no_writes) {
            self.failed.store(true, Ordering::Release);
        }
    }
}

/// Whether an error shows that the database accepts no writes. A full queue and a lost race don't show that.
fn shows_no_writes(error: &StorageError) -> bool {
    match error {
        StorageError::Unavailable(Outage::Stopping) | StorageError::Overloaded | StorageError::Contended => {
            false
        }
        StorageError::Unavailable(_) => true,
        StorageError::Query(_) | StorageError::Corrupt { .. } => false,
    }
}

impl Storage {
    /// Checks that the database accepts writes. It writes at most once in five seconds, and once a second while writes fail. The error
    /// says why the database accepts none.
    pub async fn takes_writes(&self) -> Result<(), StorageError> {
        let writes = &self.inner.writes;
        let mut last = writes.last.lock().await;
        if let Some((at, outcome)) = &*last {
            let doubtful = outcome.is_err() || writes.failed.load(Ordering::Acquire);
            if at.elapsed() < if doubtful { BAD_FOR } else { GOOD_FOR } {
                return outcome.clone();
            }
        }
        writes.failed.store(false, Ordering::Release);
        let written = timeout(PATIENCE, async {
            run!(@on self, write, Look, clock::write_probe())
        })
        .await;
        let outcome = match written.unwrap_or(Err(StorageError::Unavailable(Outage::TimedOut))) {
            // The database is busy with other writes, so it accepts them.
            Err(StorageError::Overloaded | StorageError::Contended) => Ok(()),
            outcome => outcome,
        };
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}
