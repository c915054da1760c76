//! A failure of the server, for which the caller is not to blame. The error type of each area contains it.
//!
//! The rule: an error of storage can only become a [`Failure`], so that an outage never looks like a wrong password.

use crate::parts::{clock::ClockOff, entropy::EntropyFailed};
use auth_storage::StorageError;
use std::time::Duration;

/// The cause of a failure, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the server could not do what was requested.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database or another part is unavailable.
    #[error("unavailable: {0}")]
    Unavailable(#[source] Cause),
    /// There is more work than can be done in time.
    #[error("overloaded")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// Something that should not happen did.
    #[error("internal error: {0}")]
    Internal(#[source] Cause),
}

impl Failure {
    pub(crate) fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    pub(crate) fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Overloaded => Self::Overloaded {
                retry_after: Duration::from_secs(1),
            },
            error if error.is_transient() => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

impl From<EntropyFailed> for Failure {
    fn from(error: EntropyFailed) -> Self {
        Self::unavailable(error)
    }
}

impl From<ClockOff> for Failure {
    fn from(error: ClockOff) -> Self {
        Self::unavailable(error)
    }
}
