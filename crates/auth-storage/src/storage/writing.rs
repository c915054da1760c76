//! Whether the database takes writes. Reads go on where the disk is full or broken, so readiness asks for a write: a small one of its
//! own, seldom, and sooner after a write of a request has failed.

use super::{Storage, run};
use crate::error::{Outage, StorageError};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, time::timeout};

/// How long one successful write is good for.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// How long a failure is: the database is asked again soon, and not by every probe.
const BAD_FOR: Duration = Duration::from_secs(1);
/// How long the write may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How writes end.
#[derive(Default)]
pub(crate) struct Writes {
    /// A write of a request has failed since the last one of our own was begun.
    failed: AtomicBool,
    /// When the last one of our own ended, and how. Held while there is one: of many probes one writes.
    last: Mutex<Option<(Instant, Result<(), StorageError>)>>,
}

impl Writes {
    /// Remembers that a request's write failed. One that succeeded proves nothing: it may have had nothing to write.
    pub(crate) fn ended<T>(&self, outcome: &Result<T, StorageError>) {
        if outcome.as_ref().err().is_some_and(says_no) {
            self.failed.store(true, Ordering::Release);
        }
    }
}

/// Whether a failed write is one that the database does not take. A full queue and a lost race say nothing of the kind.
fn says_no(error: &StorageError) -> bool {
    match error {
        StorageError::Unavailable(Outage::Stopping) | StorageError::Overloaded | StorageError::Contended => {
            false
        }
        StorageError::Unavailable(_) => true,
        StorageError::Query(_) | StorageError::Corrupt { .. } => false,
    }
}

impl Storage {
    /// Whether the database takes writes. It is asked with a write at most once in five seconds, and once a second while writes fail.
    ///
    /// # Errors
    /// Why it takes none. See [`StorageError`].
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
            run!(@on self, write, Look, clock::leave_a_mark())
        })
        .await;
        let outcome = match written.unwrap_or(Err(StorageError::Unavailable(Outage::TimedOut))) {
            // It is busy with other writes.
            Err(StorageError::Overloaded | StorageError::Contended) => Ok(()),
            outcome => outcome,
        };
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}
