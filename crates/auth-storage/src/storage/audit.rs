//! The audit log, and the figures for people.

use super::{Storage, run};
use crate::{
    asks::{AuditFilter, PruneStep},
    context::{ChangeContext, Pagination},
    error::StorageError,
    outcomes::{AuditStanding, PruneOutcome, RefusedRows, SealRound, SealedBatch, UserFigures},
};
use auth_domain::{
    audit::{Action, AuditEvent, Head, Seal},
    ids::UserId,
    time::Timestamp,
};
use std::sync::Arc;

/// The name of the setting that says up to which seal the log was pruned.
pub const AUDIT_FLOOR: &str = "audit_floor";
/// The name of the setting that says which seal is the newest.
pub const AUDIT_HEAD: &str = "audit_head";

/// The key of the audit log, as the store needs it.
pub trait AuditSigner: Send + Sync {
    /// The code of a seal over these events; the one that it has is not looked at.
    fn code(&self, seal: &Seal, events: &[AuditEvent]) -> [u8; 32];

    /// What is kept of the newest seal, authenticated.
    fn mark(&self, head: &Head) -> Vec<u8>;

    /// What such a mark says; `None` if it is not genuine.
    fn head(&self, mark: &[u8]) -> Option<Head>;
}

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
        terms: ChangeContext,
    ) -> Result<(), StorageError> {
        run!(self, write, audit::note(action, subject, &details, &terms))
    }

    /// A part of the audit log, newest first. A row that fits no event is named in the program's log and passed over.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn audit(
        &self,
        filter: AuditFilter,
        page: Pagination,
    ) -> Result<Vec<AuditEvent>, StorageError> {
        run!(self, read, audit::list(&filter, page))
    }

    /// How many rows no seal covers yet.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn unsealed_audit(&self) -> Result<u64, StorageError> {
        run!(self, read, seals::unsealed())
    }

    /// How many rows from before a moment no seal covers yet.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn unsealed_audit_before(&self, moment: Timestamp) -> Result<u64, StorageError> {
        run!(self, read, seals::unsealed_before(moment))
    }

    /// The rows that no seal takes in.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn refused_audit(&self) -> Result<RefusedRows, StorageError> {
        run!(self, read, seals::refused())
    }

    /// Where the log stands: one look, as the sealer takes it each second.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn audit_standing(&self) -> Result<AuditStanding, StorageError> {
        run!(self, read, seals::standing())
    }

    /// Closes rows that no seal covers into the next batch, and sets those aside that no seal may take in (`may_be_sealed`);
    /// of several nodes one does at a time.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn seal_audit(
        &self,
        most: u32,
        now: Timestamp,
        signer: Arc<dyn AuditSigner>,
    ) -> Result<SealRound, StorageError> {
        run!(self, write, seals::seal(i64::from(most), now, signer.as_ref()))
    }

    /// Writes down which seal was the newest (a genuine mark), unless what was read before is not there any more.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn keep_audit_head(&self, read: Option<Vec<u8>>, mark: Vec<u8>) -> Result<(), StorageError> {
        run!(self, write, seals::keep_head(read.as_deref(), &mark))
    }

    /// Takes the chain as it stands for the right one, and notes that. Answers the newest seal.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn accept_audit(
        &self,
        signer: Arc<dyn AuditSigner>,
        terms: ChangeContext,
    ) -> Result<Option<Seal>, StorageError> {
        run!(self, write, seals::accept(signer.as_ref(), &terms))
    }

    /// The first batch after this one, whole.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn audit_batch_after(&self, number: i64) -> Result<Option<SealedBatch>, StorageError> {
        run!(self, read, seals::batch_after(number))
    }

    /// The newest seal.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn newest_seal(&self) -> Result<Option<Seal>, StorageError> {
        run!(self, read, seals::newest())
    }

    /// One seal.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn seal_of(&self, number: i64) -> Result<Option<Seal>, StorageError> {
        run!(self, read, seals::seal_of(number))
    }

    /// A batch that rows name and no seal is of, in a chain that begins after `floor`.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn stray_audit_batch(&self, floor: i64) -> Result<Option<i64>, StorageError> {
        run!(self, read, seals::strays(floor))
    }

    /// Removes at most `most` rows of batches up to `floor`, which are no part of the chain any more. Answers how many; with
    /// none left, the seals go.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn clear_pruned_audit(&self, floor: i64, most: u32) -> Result<u64, StorageError> {
        run!(self, write, seals::clear_pruned(floor, i64::from(most)))
    }

    /// Removes batches that were verified, and moves the beginning of the chain; all of it or nothing.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn prune_audit(
        &self,
        step: PruneStep,
        terms: ChangeContext,
    ) -> Result<PruneOutcome, StorageError> {
        run!(self, write, seals::prune(&step, &terms))
    }

    /// How many users and live sessions there are. Reads all of them.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn user_figures(&self, now: Timestamp) -> Result<UserFigures, StorageError> {
        run!(self, read, figures::of_users(now))
    }
}
