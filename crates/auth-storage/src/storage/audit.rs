//! The audit log, and the figures for people.

use super::{Storage, run};
use crate::{
    asks::{AuditFilter, Page, Terms},
    error::StorageError,
    outcomes::{SealedBatch, UserFigures},
};
use auth_domain::{
    audit::{Action, AuditEvent, Seal},
    ids::UserId,
    time::Timestamp,
};
use std::sync::Arc;

/// The name of the setting that says up to which seal the log was pruned.
pub const AUDIT_FLOOR: &str = "audit_floor";

/// Computes the code of a batch: number, code of the seal before, events.
pub type SealMac = Arc<dyn Fn(i64, &[u8; 32], &[AuditEvent]) -> [u8; 32] + Send + Sync>;

impl Storage {
    /// Notes something that changes nothing else, such as a failed sign-in.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn note(
        &self,
        action: Action,
        subject: Option<UserId>,
        details: Vec<(&'static str, String)>,
        terms: Terms,
    ) -> Result<(), StorageError> {
        run!(self, write, audit::note(action, subject, &details, &terms))
    }

    /// A part of the audit log, newest first.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn audit(&self, filter: AuditFilter, page: Page) -> Result<Vec<AuditEvent>, StorageError> {
        run!(self, read, audit::list(&filter, page))
    }

    /// How many rows no seal covers yet.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn unsealed_audit(&self) -> Result<u64, StorageError> {
        run!(self, read, audit::unsealed())
    }

    /// Closes rows that no seal covers into the next batch; of several nodes one does at a time. `None`: there are none.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn seal_audit(
        &self,
        most: u32,
        now: Timestamp,
        mac: SealMac,
    ) -> Result<Option<Seal>, StorageError> {
        run!(self, write, audit::seal(i64::from(most), now, &mac))
    }

    /// The first batch after this one, whole.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn audit_batch_after(&self, number: i64) -> Result<Option<SealedBatch>, StorageError> {
        run!(self, read, audit::batch_after(number))
    }

    /// The newest seal.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn newest_seal(&self) -> Result<Option<Seal>, StorageError> {
        run!(self, read, audit::newest())
    }

    /// A batch that rows name and no seal is of.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn stray_audit_batch(&self) -> Result<Option<i64>, StorageError> {
        run!(self, read, audit::strays())
    }

    /// The newest seal from before a moment; never the newest of all, which the chain goes on from.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn newest_seal_before(&self, moment: Timestamp) -> Result<Option<Seal>, StorageError> {
        run!(self, read, audit::newest_before(moment))
    }

    /// Removes at most `most` of the rows that the seals up to `floor` cover, and writes `mark` down; with the last of them the
    /// seals go, too. The answer says whether all are gone. Nothing is done, and the answer is true, if the newest seal would go,
    /// or somebody has begun to remove more.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn prune_audit(
        &self,
        floor: i64,
        mark: Vec<u8>,
        most: u32,
        terms: Terms,
    ) -> Result<bool, StorageError> {
        run!(self, write, audit::prune(floor, &mark, i64::from(most), &terms))
    }

    /// How many users and live sessions there are. Reads all of them.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn user_figures(&self, now: Timestamp) -> Result<UserFigures, StorageError> {
        run!(self, read, figures::of_users(now))
    }
}
