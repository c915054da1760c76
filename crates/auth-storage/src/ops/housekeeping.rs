//! Rows that tell nobody anything any more go, in bounded batches.
//!
//! Sessions past their time are found by walking the table in the order of its key, some rows a call: an index on their
//! expiry would have to be rewritten at every refresh.

use super::Conn;
use crate::{
    asks::SweepTerms,
    dialect::Dialect as _,
    fault::Fault,
    schema::{activity, api_keys, one_time_tokens, outbox, revocations, sessions, signing_keys},
    sqlty::{Id, Ts},
};
use auth_domain::{
    keys::KeyState,
    time::{Span, Timestamp},
};
use diesel::prelude::*;
use uuid::Uuid;

/// How many rows the walk looks at for each one that it may remove.
const STRIDE: i64 = 4;

/// So long before a moment; 1970 where that would be longer ago, since PostgreSQL's calendar ends before chrono's.
fn before(moment: Timestamp, span: Span) -> Timestamp {
    let long_ago = moment.checked_sub_signed(span.max(Span::zero()));
    long_ago
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .max(Timestamp::UNIX_EPOCH)
}

/// Revocations of tokens that have expired.
pub(crate) fn lapsed_revocations(c: &mut Conn, now: Timestamp, terms: SweepTerms) -> Result<u64, Fault> {
    use revocations as r;
    let lapsed: Vec<(Id, String)> = r::table
        .filter(r::until.le(Ts(now)))
        .order(r::until.asc())
        .limit(terms.limit.into())
        .select((r::id, r::kind))
        .load(c)?;
    let mut gone = 0;
    for (id, kind) in lapsed {
        // It may have been recorded again, with a later end.
        gone += diesel::delete(r::table.find((id, kind)).filter(r::until.le(Ts(now)))).execute(c)? as u64;
    }
    Ok(gone)
}

/// Sessions that ended or expired long ago. `walked_to` is where the last walk over the expired ones stopped; the answer's second
/// part is where this one did.
pub(crate) fn past_sessions(
    c: &mut Conn,
    now: Timestamp,
    terms: SweepTerms,
    walked_to: Option<Uuid>,
) -> Result<(u64, Option<Uuid>), Fault> {
    let limit = i64::from(terms.limit);
    let long_ago = before(now, terms.keep_ended_sessions);
    let ended = sweep_ended(c, now, long_ago, limit)?;
    let (expired, walked_to) = sweep_expired(c, long_ago, limit - ended as i64, walked_to)?;
    Ok((ended + expired, walked_to))
}

fn sweep_ended(c: &mut Conn, now: Timestamp, long_ago: Timestamp, limit: i64) -> Result<u64, Fault> {
    use sessions as s;
    let over: Vec<Id> = s::table
        .filter(s::ended_at.lt(Some(Ts(long_ago))))
        .filter(s::access_until.lt(Ts(now)))
        .order(s::ended_at.asc())
        .limit(limit)
        .select(s::id)
        .load(c)?;
    Ok(diesel::delete(s::table.filter(s::id.eq_any(over))).execute(c)? as u64)
}

fn sweep_expired(
    c: &mut Conn,
    long_ago: Timestamp,
    limit: i64,
    walked_to: Option<Uuid>,
) -> Result<(u64, Option<Uuid>), Fault> {
    use sessions as s;
    if limit <= 0 {
        return Ok((0, walked_to));
    }
    let from = Id(walked_to.unwrap_or(Uuid::nil()));
    let ahead: Vec<(Id, Ts)> = s::table
        .filter(s::id.gt(from))
        .order(s::id.asc())
        .limit(limit.saturating_mul(STRIDE))
        .select((s::id, s::refresh_expires_at))
        .load(c)?;
    let mut expired: Vec<Id> = Vec::new();
    let mut stopped = None;
    for (id, expires_at) in &ahead {
        if expires_at.0 < long_ago {
            if expired.len() as i64 == limit {
                break;
            }
            expired.push(*id);
        }
        stopped = Some(id.0);
    }
    // At the end of the table the next walk begins anew.
    let at_the_end =
        (ahead.len() as i64) < limit.saturating_mul(STRIDE) && stopped == ahead.last().map(|(id, _)| id.0);
    let over = s::table
        .filter(s::id.eq_any(expired))
        .filter(s::refresh_expires_at.lt(Ts(long_ago)));
    let gone = diesel::delete(over).execute(c)? as u64;
    Ok((gone, if at_the_end { None } else { stopped }))
}

/// One-time tokens past their time.
pub(crate) fn lapsed_tokens(c: &mut Conn, now: Timestamp, terms: SweepTerms) -> Result<u64, Fault> {
    use one_time_tokens as t;
    let lapsed: Vec<Id> = t::table
        .filter(t::expires_at.le(Ts(now)))
        .order(t::expires_at.asc())
        .limit(terms.limit.into())
        .select(t::id)
        .load(c)?;
    Ok(diesel::delete(t::table.filter(t::id.eq_any(lapsed))).execute(c)? as u64)
}

/// Signing keys that retired long ago.
pub(crate) fn retired_keys(c: &mut Conn, now: Timestamp, terms: SweepTerms) -> Result<u64, Fault> {
    use signing_keys as k;
    let long_ago = before(now, terms.keep_ended_sessions);
    let out_of_use = k::verifies_until
        .lt(Some(Ts(long_ago)))
        .or(k::verifies_until.is_null());
    let retired: Vec<String> = k::table
        .filter(k::state.eq(KeyState::Retired.as_str()))
        .filter(k::published_at.lt(Ts(long_ago)))
        .filter(out_of_use)
        .limit(terms.limit.into())
        .select(k::kid)
        .load(c)?;
    Ok(diesel::delete(k::table.filter(k::kid.eq_any(retired))).execute(c)? as u64)
}

/// Mails that are done with; their recipients were erased when they were.
pub(crate) fn done_mails(c: &mut Conn, terms: SweepTerms) -> Result<u64, Fault> {
    use outbox as o;
    let long_ago = before(c.clock()?.0, terms.keep_mails);
    let done: Vec<Id> = o::table
        .filter(o::done_at.is_not_null())
        .filter(o::done_at.lt(Some(Ts(long_ago))))
        .order(o::done_at.asc())
        .limit(terms.limit.into())
        .select(o::id)
        .load(c)?;
    Ok(diesel::delete(o::table.filter(o::id.eq_any(done))).execute(c)? as u64)
}

/// API keys that lapsed long ago. Few have an end: an index holds those alone.
pub(crate) fn lapsed_api_keys(c: &mut Conn, now: Timestamp, terms: SweepTerms) -> Result<u64, Fault> {
    use api_keys as k;
    let long_ago = before(now, terms.keep_ended_sessions);
    let lapsed: Vec<Id> = k::table
        .filter(k::expires_at.is_not_null())
        .filter(k::expires_at.lt(Some(Ts(long_ago))))
        .order(k::expires_at.asc())
        .limit(terms.limit.into())
        .select(k::id)
        .load(c)?;
    Ok(diesel::delete(k::table.filter(k::id.eq_any(lapsed))).execute(c)? as u64)
}

/// Counts of hours that are long past.
pub(crate) fn old_activity(c: &mut Conn, now: Timestamp, terms: SweepTerms) -> Result<u64, Fault> {
    use activity as a;
    let long_ago = before(now, terms.keep_activity);
    let old: Vec<(Ts, String)> = a::table
        .filter(a::hour.lt(Ts(long_ago)))
        .order((a::hour.asc(), a::kind.asc()))
        .limit(terms.limit.into())
        .select((a::hour, a::kind))
        .load(c)?;
    let mut gone = 0;
    for key in old {
        gone += diesel::delete(a::table.find(key)).execute(c)? as u64;
    }
    Ok(gone)
}
