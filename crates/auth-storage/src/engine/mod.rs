//! Where operations run. The rule: they run on threads of their own, behind bounded queues, so that no async worker waits for a
//! database.

pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod writer;

use crate::{
    dialect::{Dialect, Fate, Meaning, demoted},
    error::{Outage, StorageError},
    fault::Fault,
};
use std::time::Duration;

/// How long the caller of an operation waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// A read of one or two rows by their key, such as a token check.
    Look,
    /// Any other operation.
    Work,
}

/// How long an answer may take, in addition to the wait for a connection. The thread of a running query can't be interrupted, but the
/// caller can stop waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For [`Haste::Look`].
    pub(crate) look: Duration,
    /// For [`Haste::Work`].
    pub(crate) work: Duration,
}

impl Patience {
    /// For SQLite: longer than any statement takes, because the disk and its load are this machine's own.
    pub(crate) const SQLITE: Self = Self {
        look: Duration::from_secs(10),
        work: Duration::from_secs(10),
    };
    /// For PostgreSQL, which may freeze or become unreachable while its connections stay open. With the default `acquire_timeout` of two
    /// seconds an answer takes less than five seconds, and a look less than three.
    pub(crate) const POSTGRES: Self = Self {
        look: Duration::from_millis(800),
        work: Duration::from_millis(2500),
    };

    const fn of(self, haste: Haste) -> Duration {
        match haste {
            Haste::Look => self.look,
            Haste::Work => self.work,
        }
    }
}

/// What a fault means on the database of `D`.
pub(crate) fn meaning<D: Dialect>(fault: Fault) -> Meaning {
    let kept = |error| Meaning {
        error,
        connection: Fate::Kept,
    };
    match fault {
        Fault::Sql(error) => {
            let meaning = D::meaning(&error);
            if !meaning.error.is_transient() {
                tracing::error!(error = %meaning.error, "the database refused a statement");
            }
            meaning
        }
        Fault::Corrupt { table, column, id } => kept(StorageError::Corrupt { table, column, id }),
        Fault::Contended => kept(StorageError::Contended),
        Fault::Demoted => demoted(),
        Fault::TooLong => kept(StorageError::Unavailable(Outage::TimedOut)),
    }
}

/// Waits for the answer of a queued operation. `None`: it did not come in time.
async fn answer<T>(
    receiver: &mut tokio::sync::oneshot::Receiver<Result<T, StorageError>>,
    patience: Duration,
) -> Option<Result<T, StorageError>> {
    let answer = tokio::time::timeout(patience, receiver).await.ok()?;
    Some(answer.unwrap_or(Err(StorageError::Unavailable(Outage::Stopping))))
}

/// The error for a caller that stops waiting.
const TOO_LATE: StorageError = StorageError::Unavailable(Outage::TimedOut);
