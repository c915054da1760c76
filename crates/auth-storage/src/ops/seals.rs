//! The seals of the audit log (docs/rules.md §9). Each change writes its own rows (`side_effects`), and a sealer puts the rows without a
//! batch into the next one, so that writers never wait for one another. The rule: a row that no seal may cover is set aside in the batch
//! [`REFUSED`]. It is reported, and stops nothing.

use super::{
    Conn, lock_guard, readable, settings,
    side_effects::{AuditEntry, AuditWriter},
    transaction, transaction_or_rollback,
};
use crate::{
    audit::{
        AuditRow, FLOOR, HEAD, LogState, PruneOutcome, PruneStep, RefusedRow, RefusedRows, SealRound,
        SealRow, SealedBatch, Signer,
    },
    context::ChangeContext,
    fault::{Fault, Rollback},
    schema::{audit_events, audit_seals, guards},
    sqlty::{Id, Perhaps, Ts},
};
use auth_domain::{
    audit::{Action, AuditEvent, ChainHead, LONGEST_WRITE, Seal, SealFormat, may_be_sealed},
    time::{Timestamp, after},
};
use diesel::prelude::*;

/// The guard of the node that seals.
const SEALER: &str = "audit_sealer";
/// The guard of the node that prunes.
const PRUNER: &str = "audit_pruner";
/// The batch of the rows that no seal may cover. The numbers of seals start at 1.
const REFUSED: i64 = 0;
/// The most refused rows that are named.
const MOST_NAMED: i64 = 10;

/// The number of rows that no seal covers yet.
pub(crate) fn unsealed(c: &mut Conn) -> Result<u64, Fault> {
    let open: i64 = audit_events::table
        .filter(audit_events::batch.is_null())
        .count()
        .get_result(c)?;
    Ok(u64::try_from(open).unwrap_or(0))
}

/// The number of rows from before `moment` that no seal covers yet.
pub(crate) fn unsealed_before(c: &mut Conn, moment: Timestamp) -> Result<u64, Fault> {
    let open: i64 = audit_events::table
        .filter(audit_events::batch.is_null())
        .filter(audit_events::at.lt(Ts(moment)))
        .count()
        .get_result(c)?;
    Ok(u64::try_from(open).unwrap_or(0))
}

/// The rows that were set aside.
pub(crate) fn refused(c: &mut Conn) -> Result<RefusedRows, Fault> {
    use audit_events as a;
    let aside = || a::table.filter(a::batch.eq(Some(REFUSED)));
    let count: i64 = aside().count().get_result(c)?;
    let ids: Vec<Perhaps<Id>> = aside()
        .order(a::id.asc())
        .limit(MOST_NAMED)
        .select(a::id)
        .load(c)?;
    Ok(RefusedRows {
        count: u64::try_from(count).unwrap_or(0),
        ids: ids
            .into_iter()
            .filter_map(|id| Some(id.0?.0.to_string()))
            .collect(),
    })
}

/// The state of the log. The mark that says which seal is the newest is read first, so that its seal exists by the second read.
pub(crate) fn state(c: &mut Conn) -> Result<LogState, Fault> {
    Ok(LogState {
        mark: settings::value(c, HEAD)?,
        newest: newest(c)?,
        unsealed: unsealed(c)?,
    })
}

/// What happens to a row that no seal covers.
enum Sorted {
    Taken(Box<AuditEvent>),
    Waits,
    Refused(Id, String),
}

fn sorted(row: AuditRow, before: Option<Timestamp>, now: Timestamp) -> Result<Sorted, Fault> {
    let (id, at) = (row.id(), row.at());
    match row.event() {
        Ok(event) => Ok(match may_be_sealed(&event, before, now) {
            Ok(()) => Sorted::Taken(Box::new(event)),
            Err(why) => Sorted::Refused(Id(event.id.as_uuid()), why.as_str().to_owned()),
        }),
        // A newer version that runs beside this one may be able to read the row, and has this long to seal it.
        Err(Fault::Corrupt { column, .. }) => Ok(match id {
            Some(id) if at.is_none_or(|at| after(at.0, LONGEST_WRITE) < now) => {
                Sorted::Refused(id, format!("it has no valid {column}"))
            }
            _ => Sorted::Waits,
        }),
        Err(fault) => Err(fault),
    }
}

/// Seals rows that no seal covers as one batch, the oldest first, and sets aside those that no seal may cover. One node at a time does
/// this.
pub(crate) fn seal(c: &mut Conn, most: i64, now: Timestamp, signer: &dyn Signer) -> Result<SealRound, Fault> {
    use audit_events as a;
    transaction(c, |c| {
        lock_guard(c, SEALER)?;
        let before = newest(c)?;
        let mark = settings::value(c, HEAD)?;
        let head = mark
            .as_deref()
            .and_then(|mark| signer.head(mark))
            .filter(|head| head.is_of(before.as_ref()));
        // The time in the mark is authenticated even if the previous seal has the first format.
        let last = head
            .map(|head| head.at)
            .or(before.as_ref().map(|seal| seal.sealed_at));
        let rows: Vec<AuditRow> = a::table
            .filter(a::batch.is_null())
            .order(a::id.asc())
            .limit(most)
            .select(AuditRow::as_select())
            .load(c)?;
        let (mut events, mut refused, mut aside) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match sorted(row, last, now)? {
                Sorted::Taken(event) => events.push(*event),
                Sorted::Waits => {}
                Sorted::Refused(id, why) => {
                    aside.push(id);
                    refused.push(RefusedRow {
                        id: id.0.to_string(),
                        why,
                    });
                }
            }
        }
        if !aside.is_empty() {
            diesel::update(a::table.filter(a::id.eq_any(aside)))
                .set(a::batch.eq(Some(REFUSED)))
                .execute(c)?;
        }
        if events.is_empty() {
            return Ok(SealRound { seal: None, refused });
        }
        let (number, previous) = before
            .as_ref()
            .map_or((1, [0; 32]), |seal| (seal.number.saturating_add(1), seal.mac));
        let ids: Vec<Id> = events.iter().map(|event| Id(event.id.as_uuid())).collect();
        diesel::update(a::table.filter(a::id.eq_any(ids)))
            .set(a::batch.eq(Some(number)))
            .execute(c)?;
        let mut seal = Seal {
            number,
            format: SealFormat::Second,
            previous,
            count: events.len() as i64,
            mac: [0; 32],
            sealed_at: now,
        };
        seal.mac = signer.code(&seal, &events);
        diesel::insert_into(audit_seals::table)
            .values(SealRow::of(&seal))
            .execute(c)?;
        // If the mark does not belong to this chain, it stays, because it is the evidence of that.
        let epoch = match (&mark, head) {
            (_, Some(head)) => Some(head.epoch),
            (None, None) => before
                .is_none_or(|seal| seal.format == SealFormat::First)
                .then_some(0),
            (Some(_), None) => None,
        };
        if let Some(epoch) = epoch {
            let head = ChainHead {
                epoch,
                number,
                mac: seal.mac,
                at: now,
            };
            settings::put(c, HEAD, &signer.mark(&head))?;
        }
        Ok(SealRound {
            seal: Some(seal),
            refused,
        })
    })
}

/// Stores the mark that says which seal is the newest, unless another mark has been stored since it was read.
pub(crate) fn keep_head(c: &mut Conn, read: Option<&[u8]>, mark: &[u8]) -> Result<(), Fault> {
    transaction(c, |c| {
        lock_guard(c, SEALER)?;
        if settings::value(c, HEAD)?.as_deref() == read {
            settings::put(c, HEAD, mark)?;
        }
        Ok(())
    })
}

/// Accepts the chain as it is, with a later epoch. Returns the newest seal.
pub(crate) fn accept(
    c: &mut Conn,
    signer: &dyn Signer,
    context: &ChangeContext,
) -> Result<Option<Seal>, Fault> {
    transaction(c, |c| {
        lock_guard(c, SEALER)?;
        let newest = newest(c)?;
        let (number, mac) = newest
            .as_ref()
            .map_or((0, [0; 32]), |seal| (seal.number, seal.mac));
        let head = ChainHead {
            epoch: context.now.timestamp_micros(),
            number,
            mac,
            at: context.now,
        };
        settings::put(c, HEAD, &signer.mark(&head))?;
        AuditWriter::of(context).audit(c, AuditEntry::of(Action::AuditAccepted).with("up_to", number))?;
        Ok(newest)
    })
}

/// The newest seal.
pub(crate) fn newest(c: &mut Conn) -> Result<Option<Seal>, Fault> {
    let row: Option<SealRow> = audit_seals::table
        .order(audit_seals::number.desc())
        .select(SealRow::as_select())
        .first(c)
        .optional()?;
    row.map(SealRow::seal).transpose()
}

/// One seal.
pub(crate) fn seal_of(c: &mut Conn, number: i64) -> Result<Option<Seal>, Fault> {
    let row: Option<SealRow> = audit_seals::table
        .find(number)
        .select(SealRow::as_select())
        .first(c)
        .optional()?;
    row.map(SealRow::seal).transpose()
}

/// The first existing batch after this one, with all of its events.
pub(crate) fn batch_after(c: &mut Conn, number: i64) -> Result<Option<SealedBatch>, Fault> {
    use audit_events as a;
    let row: Option<SealRow> = audit_seals::table
        .filter(audit_seals::number.gt(number))
        .order(audit_seals::number.asc())
        .select(SealRow::as_select())
        .first(c)
        .optional()?;
    let Some(seal) = row.map(SealRow::seal).transpose()? else {
        return Ok(None);
    };
    let rows: Vec<AuditRow> = a::table
        .filter(a::batch.eq(Some(seal.number)))
        .order(a::id.asc())
        .select(AuditRow::as_select())
        .load(c)?;
    let mut events = Vec::with_capacity(rows.len());
    let mut unreadable = 0;
    for row in rows {
        match readable(row.event())? {
            Some(event) => events.push(event),
            None => unreadable += 1,
        }
    }
    Ok(Some(SealedBatch {
        seal,
        events,
        unreadable,
    }))
}

/// A batch that rows belong to but that has no seal in the chain. The chain begins after `floor`.
pub(crate) fn strays(c: &mut Conn, floor: i64) -> Result<Option<i64>, Fault> {
    use audit_events as a;
    let known = audit_seals::table.select(audit_seals::number.nullable());
    let stray: Option<Option<i64>> = a::table
        .filter(a::batch.is_not_null())
        .filter(a::batch.ne(Some(REFUSED)))
        .filter(
            a::batch
                .le(Some(floor))
                .or(diesel::dsl::not(a::batch.eq_any(known))),
        )
        .order(a::batch.asc())
        .select(a::batch)
        .first(c)
        .optional()?;
    Ok(stray.flatten())
}

/// Removes rows and seals up to `floor`, some at a time, which an older version left behind when it stopped while pruning. They don't
/// belong to the chain. Returns the number of rows.
pub(crate) fn clear_pruned(c: &mut Conn, floor: i64, most: i64) -> Result<u64, Fault> {
    use audit_events as a;
    transaction(c, |c| {
        let left: Vec<Id> = a::table
            .filter(a::batch.le(Some(floor)))
            .filter(a::batch.gt(Some(REFUSED)))
            .limit(most)
            .select(a::id)
            .load(c)?;
        if left.is_empty() {
            let over = audit_seals::table.filter(audit_seals::number.le(floor));
            diesel::delete(over).execute(c)?;
            return Ok(0);
        }
        let gone = diesel::delete(a::table.filter(a::id.eq_any(left))).execute(c)?;
        Ok(gone as u64)
    })
}

/// Removes the verified batches of a step, and stores where the chain begins afterwards; or does nothing. It does nothing if another node
/// has moved the beginning, if it would remove other rows than those that were verified, or if it would remove the newest seal, from which
/// the chain continues.
pub(crate) fn prune(c: &mut Conn, step: &PruneStep, context: &ChangeContext) -> Result<PruneOutcome, Fault> {
    use audit_events as a;
    transaction_or_rollback(c, |c| {
        diesel::insert_into(guards::table)
            .values(guards::name.eq(PRUNER))
            .on_conflict(guards::name)
            .do_nothing()
            .execute(c)?;
        lock_guard(c, PRUNER)?;
        if settings::value(c, FLOOR)? != step.read || newest(c)?.is_none_or(|head| head.number <= step.floor)
        {
            return Err(Rollback::refused(PruneOutcome::Overtaken));
        }
        let old = a::table
            .filter(a::batch.le(Some(step.floor)))
            .filter(a::batch.gt(Some(REFUSED)));
        let gone = diesel::delete(old).execute(c)?;
        let over = audit_seals::table.filter(audit_seals::number.le(step.floor));
        let seals = diesel::delete(over).execute(c)?;
        if (gone, seals) != (step.rows, step.seals) {
            return Err(Rollback::refused(PruneOutcome::Changed));
        }
        settings::put(c, FLOOR, &step.mark)?;
        if step.last {
            AuditWriter::of(context)
                .audit(c, AuditEntry::of(Action::AuditPruned).with("up_to", step.floor))?;
        }
        Ok(PruneOutcome::Done)
    })
}
