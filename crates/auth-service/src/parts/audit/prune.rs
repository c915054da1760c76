//! Retention: whole batches are removed, each after it was verified, once all of its rows are old enough.

use super::AuditLog;
use crate::parts::{admin::Admin, caller::Caller, failure::Failure};
use auth_domain::{audit::ChainPosition, time::Timestamp};
use auth_storage::{StorageError, audit};

/// How many rows one transaction removes, unless a batch has more. It takes some milliseconds.
const STEP_ROWS: usize = 75;

/// Why a step of pruning stops.
enum Stop {
    /// The next batch is not old enough, or it has the newest seal.
    Kept,
    /// The step is full.
    Full,
    /// The next batch is not as it was sealed.
    Refused(i64, &'static str),
}

/// Verified batches that may be removed.
struct Prunable {
    to: ChainPosition,
    rows: usize,
    seals: usize,
    stop: Stop,
}

impl AuditLog {
    /// Removes one step of batches whose rows are all older than `before`, and stores where the chain begins from now on. A batch
    /// that is not as it was sealed stays, with all that follow it, and is logged. Returns whether nothing is left to remove.
    pub(crate) async fn prune(
        &self,
        before: Timestamp,
        admin: &Admin,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let read = self.storage.setting(audit::FLOOR).await?;
        let Some(floor) = self.signer.floor(read.as_deref()) else {
            log_refused_batch(0, "where the chain begins was changed");
            return Ok(true);
        };
        let most = u32::try_from(STEP_ROWS).unwrap_or(u32::MAX);
        let left = self.storage.clear_pruned_audit(floor.number, most).await?;
        if left > 0 {
            tracing::warn!(
                event = "audit_rest_removed",
                rows = left,
                "rows of batches that were removed before have been removed now, too"
            );
            return Ok(false);
        }
        let prunable = self.prunable(floor, before).await?;
        if let Stop::Refused(batch, what) = prunable.stop {
            log_refused_batch(batch, what);
        }
        let last = !matches!(prunable.stop, Stop::Full);
        if prunable.seals == 0 {
            return Ok(true);
        }
        let step = audit::PruneStep {
            read,
            mark: self.signer.floor_mark(&prunable.to),
            floor: prunable.to.number,
            rows: prunable.rows,
            seals: prunable.seals,
            last,
        };
        let context = admin.change_context(&Caller::service(now))?;
        match self.storage.prune_audit(step, context).await? {
            audit::PruneOutcome::Done => Ok(last),
            audit::PruneOutcome::Overtaken => Ok(true),
            audit::PruneOutcome::Changed => {
                log_refused_batch(
                    prunable.to.number,
                    "its rows were changed while they were being removed",
                );
                Ok(true)
            }
        }
    }

    /// The batches after `floor` that may be removed in one step.
    async fn prunable(&self, floor: ChainPosition, before: Timestamp) -> Result<Prunable, Failure> {
        let newest = self.storage.newest_seal().await?.map_or(0, |seal| seal.number);
        let mut prunable = Prunable {
            to: floor,
            rows: 0,
            seals: 0,
            stop: Stop::Kept,
        };
        loop {
            let next = match self.storage.audit_batch_after(prunable.to.number).await {
                Ok(Some(next)) if next.seal.number < newest => next,
                Ok(_) => return Ok(prunable),
                Err(StorageError::Corrupt { .. }) => {
                    prunable.stop = Stop::Refused(prunable.to.number + 1, "its seal can't be read");
                    return Ok(prunable);
                }
                Err(error) => return Err(error.into()),
            };
            if let Err((batch, what)) = self.signer.check(&prunable.to, &next) {
                prunable.stop = Stop::Refused(batch, what);
                return Ok(prunable);
            }
            if next.events.iter().any(|event| event.at >= before) {
                return Ok(prunable);
            }
            let rows = prunable.rows + next.events.len();
            if prunable.seals > 0 && rows > STEP_ROWS {
                prunable.stop = Stop::Full;
                return Ok(prunable);
            }
            (prunable.rows, prunable.seals, prunable.to) =
                (rows, prunable.seals + 1, ChainPosition::of(&next.seal));
        }
    }
}

fn log_refused_batch(batch: i64, what: &'static str) {
    tracing::error!(
        event = "audit_prune_refused",
        batch,
        what,
        "old rows of the audit log stay: a batch is not as it was sealed"
    );
}
