//! The audit log: events are recorded and listed here; `seals` seals and prunes it. The rule: a row that can't be read hides no other.

use super::{
    Conn, readable_page,
    side_effects::{AuditEntry, AuditWriter},
};
use crate::{
    audit::{AuditRow, Filter},
    context::{ChangeContext, Pagination},
    fault::Fault,
    schema::audit_events,
    sqlty::{Id, Ts},
};
use auth_domain::{
    audit::{Action, AuditEvent},
    ids::{AuditEventId, UserId},
    time::{Span, after as after_moment},
};
use diesel::prelude::*;
use uuid::Uuid;

/// Records an event that changes nothing else.
pub(crate) fn record(
    c: &mut Conn,
    action: Action,
    subject: Option<UserId>,
    details: &[(&str, String)],
    context: &ChangeContext,
) -> Result<(), Fault> {
    let mut entry = AuditEntry::of(action);
    if let Some(user) = subject {
        entry = entry.about(user);
    }
    for (name, value) in details {
        entry = entry.with(name, value);
    }
    AuditWriter::of(context).audit(c, entry)
}

/// Which user's rows are wanted.
#[derive(Clone, Copy)]
enum Of {
    AnyUser,
    Subject(Id),
    Actor(Id),
}

/// A page of the log, newest first. The rows of a user come from two indexes. Each is read in its order, and no further than the page
/// needs.
pub(crate) fn list(c: &mut Conn, filter: &Filter, page: Pagination) -> Result<Vec<AuditEvent>, Fault> {
    let Some(user) = filter.user.map(|user| Id(user.as_uuid())) else {
        return part(c, Of::AnyUser, filter, page);
    };
    let mut events = part(c, Of::Subject(user), filter, page)?;
    events.extend(part(c, Of::Actor(user), filter, page)?);
    events.sort_by_key(|event| std::cmp::Reverse(event.id));
    events.dedup_by_key(|event| event.id);
    events.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    Ok(events)
}

fn part(c: &mut Conn, of: Of, filter: &Filter, page: Pagination) -> Result<Vec<AuditEvent>, Fault> {
    use audit_events as a;
    let load = |after: Option<Uuid>, limit: i64| -> Result<Vec<AuditRow>, Fault> {
        let mut wanted = a::table.select(AuditRow::as_select()).into_boxed();
        wanted = match of {
            Of::AnyUser => wanted,
            Of::Subject(id) => wanted.filter(a::subject.eq(Some(id))),
            Of::Actor(id) => wanted.filter(a::actor_id.eq(Some(id))),
        };
        if let Some(subject) = filter.subject {
            wanted = wanted.filter(a::subject.eq(Some(Id(subject.as_uuid()))));
        }
        if let Some(action) = &filter.action {
            wanted = wanted.filter(a::action.eq(action.as_str()));
        }
        // An id begins with its time in milliseconds, so the primary key finds a time.
        let first_id = |at| Id(AuditEventId::from_parts(at, [0; 10]).as_uuid());
        if let Some(since) = filter.since {
            wanted = wanted
                .filter(a::id.ge(first_id(since)))
                .filter(a::at.ge(Ts(since)));
        }
        if let Some(until) = filter.until {
            let next = after_moment(until, Span::milliseconds(1));
            wanted = wanted
                .filter(a::id.lt(first_id(next)))
                .filter(a::at.lt(Ts(until)));
        }
        if let Some(last) = after {
            wanted = wanted.filter(a::id.lt(Id(last)));
        }
        Ok(wanted.order(a::id.desc()).limit(limit).load(c)?)
    };
    readable_page(page, load, |row| row.id().map(|id| id.0), AuditRow::event)
}
