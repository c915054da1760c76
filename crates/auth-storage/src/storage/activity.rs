//! How often something happened, hour by hour.

use super::{Storage, run};
use crate::{error::StorageError, outcomes::HourCount};
use auth_domain::time::Timestamp;

impl Storage {
    /// Adds counts to those that are stored, all or none of them. Of several nodes at once none is lost.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn add_activity(&self, counts: Vec<HourCount>) -> Result<(), StorageError> {
        run!(self, write, activity::add(&counts))
    }

    /// What was counted from this hour on, by hour and kind.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn activity_since(&self, hour: Timestamp) -> Result<Vec<HourCount>, StorageError> {
        run!(self, read, activity::since(hour))
    }
}
