//! Where operations run: on threads of their own, behind bounded queues, so that no async worker ever waits for a database.

pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod writer;

use crate::{
    dialect::{Dialect, Fate, Meaning, demoted},
    error::{Outage, StorageError},
    fault::Fault,
};
use std::time::Duration;

/// How much patience an operation gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// A look at one or two rows by their key, as token checks make it.
    Look,
    /// Anything else.
    Work,
}

/// How long an answer may take beyond the wait for a connection. The thread that asks the database can't be interrupted; its caller
/// can leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a look.
    pub(crate) look: Duration,
    /// For anything else.
    pub(crate) work: Duration,
}

impl Patience {
    /// For SQLite: longer than any statement takes. The disk is this machine's own, and so is the load on it.
    pub(crate) const SQLITE: Self = Self {
        look: Duration::from_secs(10),
        work: Duration::from_secs(10),
    };
    /// For PostgreSQL, which may be frozen or cut off while its connections stay: with the shipped `acquire_timeout` of two seconds an
    /// answer takes less than five, and a look less than three.
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

/// Waits for the answer of an operation that was queued. `None`: it did not come in time.
async fn answer<T>(
    told: &mut tokio::sync::oneshot::Receiver<Result<T, StorageError>>,
    patience: Duration,
) -> Option<Result<T, StorageError>> {
    let answer = tokio::time::timeout(patience, told).await.ok()?;
    Some(answer.unwrap_or(Err(StorageError::Unavailable(Outage::Stopping))))
}

/// The answer to a caller that does not wait any longer.
const TOO_LATE: StorageError = StorageError::Unavailable(Outage::TimedOut);
