//! The audit log: noted, listed, sealed, verified, pruned. The rule: a row that fits no event hides no other and stops nothing.

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

/// Which part of the audit log: the rows that fit all that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that concern this user, or that they did.
    pub user: Option<UserId>,
    /// Those that concern this user, by any actor.
    pub subject: Option<UserId>,
    /// Those of this action.
    pub action: Option<Action>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Until before then.
    pub until: Option<Timestamp>,
}

/// Where the audit log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What says which seal is the newest, if anything does.
    pub mark: Option<Vec<u8>>,
    /// The newest seal.
    pub newest: Option<Seal>,
    /// How many rows no seal covers yet.
    pub unsealed: u64,
}

/// A sealed batch of the audit log, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBatch {
    /// Its seal.
    pub seal: Seal,
    /// Its events, in the order of their ids.
    pub events: Vec<AuditEvent>,
    /// How many of its rows fit no event.
    pub unreadable: u64,
}

/// What came of a round of sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRound {
    /// The seal that was made, if there was anything to seal.
    pub seal: Option<Seal>,
    /// The rows that were set aside.
    pub refused: Vec<RefusedRow>,
}

/// A row of the audit log that no seal takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// The rows of the audit log that no seal takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRows {
    /// How many.
    pub count: u64,
    /// The ids of the first of them.
    pub ids: Vec<String>,
}

/// Batches of the audit log to be removed, which were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneStep {
    /// What said where the chain begins, as it was read.
    pub read: Option<Vec<u8>>,
    /// What says it from then on.
    pub mark: Vec<u8>,
    /// The last batch that goes.
    pub floor: i64,
    /// How many rows go.
    pub rows: usize,
    /// How many seals go.
    pub seals: usize,
    /// Whether nothing else is to be removed: that is noted.
    pub last: bool,
}

/// What came of removing verified batches of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneOutcome {
    /// They are gone.
    Done,
    /// Another node was first.
    Overtaken,
    /// The rows are not those that were verified: somebody changed them in between. Nothing was removed.
    Changed,
}

/// The key of the audit log, as the store needs it.
pub trait Signer: Send + Sync {
    /// The code of a seal over these events; the one that it has is not looked at.
    fn code(&self, seal: &Seal, events: &[AuditEvent]) -> [u8; 32];

    /// What is kept of the newest seal, authenticated.
    fn mark(&self, head: &ChainHead) -> Vec<u8>;

    /// What such a mark says; `None` if it is not genuine.
    fn head(&self, mark: &[u8]) -> Option<ChainHead>;
}

/// The name of the setting that says up to which seal the log was pruned.
pub const FLOOR: &str = "audit_floor";

/// The name of the setting that says which seal is the newest.
pub const HEAD: &str = "audit_head";

impl Storage {
    /// Notes something that changes nothing else, such as a failed sign-in.
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
    pub async fn audit(&self, filter: Filter, page: Pagination) -> Result<Vec<AuditEvent>, StorageError> {
        run!(self, read, audit::list(&filter, page))
    }

    /// How many rows no seal covers yet.
    pub async fn unsealed_audit(&self) -> Result<u64, StorageError> {
        run!(self, read, seals::unsealed())
    }

    /// How many rows from before a moment no seal covers yet.
    pub async fn unsealed_audit_before(&self, moment: Timestamp) -> Result<u64, StorageError> {
        run!(self, read, seals::unsealed_before(moment))
    }

    /// The rows that no seal takes in.
    pub async fn refused_audit(&self) -> Result<RefusedRows, StorageError> {
        run!(self, read, seals::refused())
    }

    /// Where the log stands: one look, as the sealer takes it each second.
    pub async fn audit_standing(&self) -> Result<Standing, StorageError> {
        run!(self, read, seals::standing())
    }

    /// Closes rows that no seal covers into the next batch, and sets those aside that no seal may take in (`may_be_sealed`);
    /// of several nodes one does at a time.
    pub async fn seal_audit(
        &self,
        most: u32,
        now: Timestamp,
        signer: Arc<dyn Signer>,
    ) -> Result<SealRound, StorageError> {
        run!(self, write, seals::seal(i64::from(most), now, signer.as_ref()))
    }

    /// Writes down which seal was the newest (a genuine mark), unless what was read before is not there any more.
    pub async fn keep_audit_head(&self, read: Option<Vec<u8>>, mark: Vec<u8>) -> Result<(), StorageError> {
        run!(self, write, seals::keep_head(read.as_deref(), &mark))
    }

    /// Takes the chain as it stands for the right one, and notes that. Answers the newest seal.
    pub async fn accept_audit(
        &self,
        signer: Arc<dyn Signer>,
        terms: ChangeContext,
    ) -> Result<Option<Seal>, StorageError> {
        run!(self, write, seals::accept(signer.as_ref(), &terms))
    }

    /// The first batch after this one, whole.
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

    /// A batch that rows name and no seal is of, in a chain that begins after `floor`.
    pub async fn stray_audit_batch(&self, floor: i64) -> Result<Option<i64>, StorageError> {
        run!(self, read, seals::strays(floor))
    }

    /// Removes at most `most` rows of batches up to `floor`, which are no part of the chain any more. Answers how many; with
    /// none left, the seals go.
    pub async fn clear_pruned_audit(&self, floor: i64, most: u32) -> Result<u64, StorageError> {
        run!(self, write, seals::clear_pruned(floor, i64::from(most)))
    }

    /// Removes batches that were verified, and moves the beginning of the chain; all of it or nothing.
    pub async fn prune_audit(
        &self,
        step: PruneStep,
        terms: ChangeContext,
    ) -> Result<PruneOutcome, StorageError> {
        run!(self, write, seals::prune(&step, &terms))
    }
}
