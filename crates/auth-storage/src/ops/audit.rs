//! The audit log: noted, listed, sealed, pruned. Rows are written by their causes (`notes`); a sealer closes those without a
//! batch into the next one, so that writers never wait for one another.

use super::{
    Conn,
    notes::{Note, Notes},
    take_guard, whole,
};
use crate::{
    asks::{AuditFilter, Page, Terms},
    fault::Fault,
    outcomes::SealedBatch,
    rows::{AuditRow, SealRow},
    schema::{audit_events, audit_seals, guards, settings},
    sqlty::{Id, Ts},
    storage::{AUDIT_FLOOR, SealMac},
};
use auth_domain::{
    audit::{Action, AuditEvent, Seal},
    ids::{AuditEventId, UserId},
    time::{Span, Timestamp, after},
};
use diesel::prelude::*;

/// Of several nodes that prune, who holds this does; its number is how far anybody has begun to.
const PRUNER: &str = "audit_pruner";

/// Notes something that changes nothing else.
pub(crate) fn note(
    c: &mut Conn,
    action: Action,
    subject: Option<UserId>,
    details: &[(&str, String)],
    terms: &Terms,
) -> Result<(), Fault> {
    let mut note = Note::of(action);
    if let Some(user) = subject {
        note = note.about(user);
    }
    for (name, value) in details {
        note = note.with(name, value);
    }
    Notes::of(terms).audit(c, note)
}

/// Whose rows.
#[derive(Clone, Copy)]
enum Of {
    Anybody,
    Subject(Id),
    Actor(Id),
}

/// A part of the log, newest first. The rows of a user are those of two indexes: each is read in its order, and no further than
/// the page goes.
pub(crate) fn list(c: &mut Conn, filter: &AuditFilter, page: Page) -> Result<Vec<AuditEvent>, Fault> {
    let Some(user) = filter.user.map(|user| Id(user.as_uuid())) else {
        return part(c, Of::Anybody, filter, page);
    };
    let mut events = part(c, Of::Subject(user), filter, page)?;
    events.extend(part(c, Of::Actor(user), filter, page)?);
    events.sort_by_key(|event| std::cmp::Reverse(event.id));
    events.dedup_by_key(|event| event.id);
    events.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    Ok(events)
}

fn part(c: &mut Conn, of: Of, filter: &AuditFilter, page: Page) -> Result<Vec<AuditEvent>, Fault> {
    use audit_events as a;
    let mut wanted = a::table.select(AuditRow::as_select()).into_boxed();
    wanted = match of {
        Of::Anybody => wanted,
        Of::Subject(id) => wanted.filter(a::subject.eq(Some(id))),
        Of::Actor(id) => wanted.filter(a::actor_id.eq(Some(id))),
    };
    if let Some(subject) = filter.subject {
        wanted = wanted.filter(a::subject.eq(Some(Id(subject.as_uuid()))));
    }
    if let Some(action) = filter.action {
        wanted = wanted.filter(a::action.eq(action.as_str()));
    }
    // Ids begin with their moment, to the millisecond: the table's own key finds a time.
    let first_id = |at| Id(AuditEventId::from_parts(at, [0; 10]).as_uuid());
    if let Some(since) = filter.since {
        wanted = wanted
            .filter(a::id.ge(first_id(since)))
            .filter(a::at.ge(Ts(since)));
    }
    if let Some(until) = filter.until {
        let next = after(until, Span::milliseconds(1));
        wanted = wanted
            .filter(a::id.lt(first_id(next)))
            .filter(a::at.lt(Ts(until)));
    }
    if let Some(last) = page.after {
        wanted = wanted.filter(a::id.lt(Id(last)));
    }
    let rows: Vec<AuditRow> = wanted.order(a::id.desc()).limit(i64::from(page.limit)).load(c)?;
    rows.into_iter().map(AuditRow::event).collect()
}

/// How many rows no seal covers yet.
pub(crate) fn unsealed(c: &mut Conn) -> Result<u64, Fault> {
    let open: i64 = audit_events::table
        .filter(audit_events::batch.is_null())
        .count()
        .get_result(c)?;
    Ok(u64::try_from(open).unwrap_or(0))
}

/// Closes rows that no seal covers, the oldest first, into a batch. Of several nodes one does at a time; `None`: there are none.
pub(crate) fn seal(c: &mut Conn, most: i64, now: Timestamp, mac: &SealMac) -> Result<Option<Seal>, Fault> {
    use audit_events as a;
    whole(c, |c| {
        take_guard(c, "audit_sealer")?;
        let rows: Vec<AuditRow> = a::table
            .filter(a::batch.is_null())
            .order(a::id.asc())
            .limit(most)
            .select(AuditRow::as_select())
            .load(c)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let events = rows
            .into_iter()
            .map(AuditRow::event)
            .collect::<Result<Vec<_>, _>>()?;
        let before = newest(c)?;
        let (number, previous) = before.map_or((1, [0; 32]), |seal| (seal.number + 1, seal.mac));
        let ids: Vec<Id> = events.iter().map(|event| Id(event.id.as_uuid())).collect();
        diesel::update(a::table.filter(a::id.eq_any(ids)))
            .set(a::batch.eq(Some(number)))
            .execute(c)?;
        let seal = Seal {
            number,
            previous,
            count: events.len() as i64,
            mac: mac(number, &previous, &events),
            sealed_at: now,
        };
        diesel::insert_into(audit_seals::table)
            .values(SealRow::of(&seal))
            .execute(c)?;
        Ok(Some(seal))
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

/// The first batch after this one that is there, whole.
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
    let events = rows
        .into_iter()
        .map(AuditRow::event)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(SealedBatch { seal, events }))
}

/// Whether rows claim a batch that no seal of the chain is of.
pub(crate) fn strays(c: &mut Conn) -> Result<Option<i64>, Fault> {
    use audit_events as a;
    let known = audit_seals::table.select(audit_seals::number.nullable());
    let stray: Option<Option<i64>> = a::table
        .filter(a::batch.is_not_null())
        .filter(diesel::dsl::not(a::batch.eq_any(known)))
        .order(a::batch.asc())
        .select(a::batch)
        .first(c)
        .optional()?;
    Ok(stray.flatten())
}

/// The newest seal that was made before a moment, if it is not the newest of all: the chain keeps its head.
pub(crate) fn newest_before(c: &mut Conn, moment: Timestamp) -> Result<Option<Seal>, Fault> {
    let row: Option<SealRow> = audit_seals::table
        .filter(audit_seals::sealed_at.lt(Ts(moment)))
        .order(audit_seals::sealed_at.desc())
        .then_order_by(audit_seals::number.desc())
        .select(SealRow::as_select())
        .first(c)
        .optional()?;
    let Some(seal) = row.map(SealRow::seal).transpose()? else {
        return Ok(None);
    };
    Ok(newest(c)?.filter(|head| head.number > seal.number).map(|_| seal))
}

/// Removes what the seals up to `floor` cover, some rows a call, and writes down where the chain begins from now on. The
/// answer says whether all of it is gone. Nothing is done where the newest seal would go, which the chain continues from, or
/// where another node removes more already: its mark is the later one.
pub(crate) fn prune(c: &mut Conn, floor: i64, mark: &[u8], most: i64, terms: &Terms) -> Result<bool, Fault> {
    use audit_events as a;
    whole(c, |c| {
        if newest(c)?.is_none_or(|head| head.number <= floor) || !take_pruner(c, floor)? {
            return Ok(true);
        }
        let old: Vec<Id> = a::table
            .filter(a::batch.le(Some(floor)))
            .limit(most)
            .select(a::id)
            .load(c)?;
        let all = (old.len() as i64) < most;
        diesel::delete(a::table.filter(a::id.eq_any(old))).execute(c)?;
        diesel::insert_into(settings::table)
            .values((settings::name.eq(AUDIT_FLOOR), settings::value.eq(mark)))
            .on_conflict(settings::name)
            .do_update()
            .set(settings::value.eq(mark))
            .execute(c)?;
        let over = audit_seals::table.filter(audit_seals::number.le(floor));
        if all && diesel::delete(over).execute(c)? > 0 {
            Notes::of(terms).audit(c, Note::of(Action::AuditPruned).with("up_to", floor))?;
        }
        Ok(all)
    })
}

/// Holds the right to remove up to `floor`. False: somebody has begun to remove more.
fn take_pruner(c: &mut Conn, floor: i64) -> Result<bool, Fault> {
    diesel::insert_into(guards::table)
        .values(guards::name.eq(PRUNER))
        .on_conflict(guards::name)
        .do_nothing()
        .execute(c)?;
    let none_beyond = guards::table.find(PRUNER).filter(guards::taken.le(floor));
    let taken = diesel::update(none_beyond).set(guards::taken.eq(floor));
    Ok(taken.execute(c)? == 1)
}
