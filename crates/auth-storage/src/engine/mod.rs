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

/// How long an answer may take once its operation was begun: longer than any statement or transaction may.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What a fault means on the database of `D`.
fn meaning<D: Dialect>(fault: Fault) -> Meaning {
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

/// Waits for the answer of an operation that was queued.
async fn answer<T>(
    answer: tokio::sync::oneshot::Receiver<Result<T, StorageError>>,
    patience: Duration,
) -> Result<T, StorageError> {
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(_gone)) => Err(StorageError::Unavailable(Outage::Stopping)),
        Err(_elapsed) => Err(StorageError::Unavailable(Outage::TimedOut)),
    }
}
