//! The audit log: written, listed, sealed, verified and pruned. The rule: a row that can't be read hides no other row and stops
//! nothing.

mod rows;

pub(crate) use rows::{AuditRow, NewAuditRow, SealRow};

use crate::{
    context::{ChangeContext, Pagination},
    error::StorageError,
    storage::{Storage, run},
};
use auth_domain::{
    audit::{Action, AuditEvent, ChainHead, Seal},
    ids::UserId,
    time::Timestamp,
};
use std::sync::Arc;

/// Which events are listed: those that match every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Events that concern this user or that they caused.
    pub user: Option<UserId>,
    /// Events that concern this user, by any actor.
    pub subject: Option<UserId>,
    /// Events with this action.
    pub action: Option<Action>,
    /// Events at this time or later.
    pub since: Option<Timestamp>,
    /// Events before this time.
    pub until: Option<Timestamp>,
}

/// The state of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogState {
    /// The stored mark that says which seal is the newest, if there is one.
    pub mark: Option<Vec<u8>>,
    /// The newest seal.
    pub newest: Option<Seal>,
    /// The number of rows that no seal covers yet.
    pub unsealed: u64,
}

/// A sealed batch of the audit log, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBatch {
    /// Its seal.
    pub seal: Seal,
    /// Its events, in the order of their ids.
    pub events: Vec<AuditEvent>,
    /// The number of its rows that can't be read.
    pub unreadable: u64,
}

/// The result of a round of sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRound {
    /// The new seal, if there was anything to seal.
    pub seal: Option<Seal>,
    /// The rows that were set aside.
    pub refused: Vec<RefusedRow>,
}

/// A row of the audit log that no seal may cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its id.
    pub id: String,
    /// Why no seal may cover it.
    pub why: String,
}

/// The rows of the audit log that no seal may cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRows {
    /// The number of rows.
    pub count: u64,
    /// The ids of the first ones.
    pub ids: Vec<String>,
}

/// Verified batches of the audit log that are to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneStep {
    /// The mark that said where the chain begins, as it was read.
    pub read: Option<Vec<u8>>,
    /// The mark that says where the chain begins afterwards.
    pub mark: Vec<u8>,
    /// The last batch that is removed.
    pub floor: i64,
    /// The number of rows that are removed.
    pub rows: usize,
    /// The number of seals that are removed.
    pub seals: usize,
    /// Whether this is the last step, which is recorded in the audit log.
    pub last: bool,
}

/// The result of removing verified batches of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneOutcome {
    /// The batches were removed.
    Done,
    /// Another node was first.
    Overtaken,
    /// The rows are no longer those that were verified. Nothing was removed.
    Changed,
}

/// The operations with the key of the audit log that the store needs.
pub trait Signer: Send + Sync {
    /// The authentication code of a seal over these events. The code that the seal has is ignored.
    fn code(&self, seal: &Seal, events: &[AuditEvent]) -> [u8; 32];

    /// The authenticated mark that is stored for the newest seal.
    fn mark(&self, head: &ChainHead) -> Vec<u8>;

    /// The content of such a mark; `None` if it is not authentic.
    fn head(&self, mark: &[u8]) -> Option<ChainHead>;
}

/// The name of the setting that says up to which seal the log was pruned.
pub const FLOOR: &str = "audit_floor";

/// The name of the setting that says which seal is the newest.
pub const HEAD: &str = "audit_head";

impl Storage {
    /// Records an event that changes nothing else, such as a failed sign-in.
    pub async fn record_event(
        &self,
        action: Action,
        subject: Option<UserId>,
        details: Vec<(&'static str, String)>,
        context: ChangeContext,
    ) -> Result<(), StorageError> {
        run!(self, write, audit::record(action, subject, &details, &context))
    }

    /// A page of the audit log, newest first. A row that can't be read is reported in the program's log and skipped.
    pub async fn audit(&self, filter: Filter, page: Pagination) -> Result<Vec<AuditEvent>, StorageError> {
        run!(self, read, audit::list(&filter, page))
    }

    /// The number of rows that no seal covers yet.
    pub async fn unsealed_audit(&self) -> Result<u64, StorageError> {
        run!(self, read, seals::unsealed())
    }

    /// The number of rows from before `moment` that no seal covers yet.
    pub async fn unsealed_audit_before(&self, moment: Timestamp) -> Result<u64, StorageError> {
        run!(self, read, seals::unsealed_before(moment))
    }

    /// The rows that no seal may cover.
    pub async fn refused_audit(&self) -> Result<RefusedRows, StorageError> {
        run!(self, read, seals::refused())
    }

    /// The state of the log, which the sealer reads each second.
    pub async fn audit_state(&self) -> Result<LogState, StorageError> {
        run!(self, read, seals::state())
    }

    /// Seals rows that no seal covers as the next batch, and sets aside those that no seal may cover (`may_be_sealed`). One node at a
    /// time does this.
    pub async fn seal_audit(
        &self,
        most: u32,
        now: Timestamp,
        signer: Arc<dyn Signer>,
    ) -> Result<SealRound, StorageError> {
        run!(self, write, seals::seal(i64::from(most), now, signer.as_ref()))
    }

    /// Stores an authentic mark that says which seal is the newest, unless the stored mark is no longer the one that was read.
    pub async fn keep_audit_head(&self, read: Option<Vec<u8>>, mark: Vec<u8>) -> Result<(), StorageError> {
        run!(self, write, seals::keep_head(read.as_deref(), &mark))
    }

    /// Accepts the chain as it is, and records that in the audit log. Returns the newest seal.
    pub async fn accept_audit(
        &self,
        signer: Arc<dyn Signer>,
        context: ChangeContext,
    ) -> Result<Option<Seal>, StorageError> {
        run!(self, write, seals::accept(signer.as_ref(), &context))
    }

    /// The first batch after this one, with all of its events.
    pub async fn audit_batch_after(&self, number: i64) -> Result<Option<SealedBatch>, StorageError> {
        run!(self, read, seals::batch_after(number))
    }

    /// The newest seal.
    pub async fn newest_seal(&self) -> Result<Option<Seal>, StorageError> {
        run!(self, read, seals::newest())
    }

    /// One seal.
    pub async fn seal_of(&self, number: i64) -> Result<Option<Seal>, StorageError> {
        run!(self, read, seals::seal_of(number))
    }

    /// A batch that rows belong to but that has no seal, in a chain that begins after `floor`.
    pub async fn stray_audit_batch(&self, floor: i64) -> Result<Option<i64>, StorageError> {
        run!(self, read, seals::strays(floor))
    }

    /// Removes at most `most` rows of the batches up to `floor`, which no longer belong to the chain. Returns how many. Once none is left,
    /// it removes their seals.
    pub async fn clear_pruned_audit(&self, floor: i64, most: u32) -> Result<u64, StorageError> {
        run!(self, write, seals::clear_pruned(floor, i64::from(most)))
    }

    /// Removes verified batches and moves the beginning of the chain, or does nothing.
    pub async fn prune_audit(
        &self,
        step: PruneStep,
        context: ChangeContext,
    ) -> Result<PruneOutcome, StorageError> {
        run!(self, write, seals::prune(&step, &context))
    }
}
