//! Sessions: started, listed and ended one by one. The rule: the end of a session and its revocation are written in one transaction.

use super::{
    Conn, committed_or_refused,
    one_time_tokens::void,
    readable_page,
    side_effects::{AuditEntry, OutboxMail, SideEffects},
    user_lock::lock_user_for_change,
};
use crate::{
    committed::Committed,
    context::{ChangeContext, Pagination, Refused},
    fault::{Fault, Rollback},
    prepared::Prepare as _,
    schema::{sessions, users},
    sessions::{Ended, EndedRow, Filter, Outdated, SessionRow, SignIn},
    sqlty::{Id, Ts},
    sweep::{Sweep, before},
    users::{HashUpgrade, UserRow},
};
use auth_domain::{
    audit::Action,
    ids::{SessionId, UserId},
    mail::MailKind,
    one_time::TokenKind,
    revocation::{Revocation, Revoked},
    session::{EndReason, Session},
    time::{Span, Timestamp, after},
    user::{User, UserStatus},
};
use diesel::prelude::*;
use std::sync::PoisonError;
use uuid::Uuid;

/// Starts a session, if the user has not changed since their password was verified.
pub(crate) fn start(
    c: &mut Conn,
    sign_in: &SignIn,
    context: &ChangeContext,
) -> Result<Result<Committed<User>, Outdated>, Fault> {
    let session = &sign_in.session;
    committed_or_refused(c, context, |c, effects| {
        // The guard locks the user's row: a revocation of the user's tokens comes earlier, and the guard fails; or it comes later, and
        // includes the new session.
        let same = users::table
            .find(Id(session.user.as_uuid()))
            .filter(users::status.eq(UserStatus::Active.as_str()))
            .filter(users::token_generation.eq(session.generation.number()));
        let row: Option<UserRow> = diesel::update(same)
            .set(users::last_login_at.eq(Some(Ts(context.now))))
            .returning(UserRow::as_returning())
            .prepared()
            .get_result(c)
            .optional()?;
        let row = row.ok_or_else(|| Rollback::refused(Outdated))?;
        let user = row.user()?;
        if let Some(HashUpgrade { from, to }) = &sign_in.upgrade {
            super::users::upgrade_password_hash(c, user.id, from, to)?;
        }
        if sign_in.known_device {
            // The owner no longer needs the link. But a stranger who knows the password must not void it.
            void(c, user.id, &[TokenKind::PasswordReset])?;
        }
        let stranger = !sign_in.known_device && !sign_in.first && !has_signed_in_from(c, session)?;
        let _begun: Id = diesel::insert_into(sessions::table)
            .values(SessionRow::of(session))
            .returning(sessions::id)
            .prepared()
            .get_result(c)?;
        let entry = AuditEntry::of(Action::SignedIn)
            .by_subject(user.id)
            .session(session.id);
        effects.audit(c, entry.with("known_device", sign_in.known_device))?;
        if stranger {
            let agent = session.origin.user_agent.as_deref();
            effects.mail(
                c,
                OutboxMail::to(user.id, MailKind::NewDevice).with("user_agent", agent),
            )?;
        }
        displace(c, session, sign_in.max_per_user, effects)?;
        Ok(user)
    })
}

/// Whether the user had a session with this user agent from this IP address before, as far back as sessions are kept. A user agent alone
/// identifies no device.
fn has_signed_in_from(c: &mut Conn, session: &Session) -> Result<bool, Fault> {
    use sessions as s;
    let theirs = s::table
        .filter(s::user_id.eq(Id(session.user.as_uuid())))
        .filter(s::ip.eq(session.origin.ip.map(|ip| ip.to_string())))
        .select(s::id);
    let same = match session.origin.user_agent.as_deref() {
        Some(agent) => theirs.filter(s::user_agent.eq(agent)).first::<Id>(c),
        None => theirs.filter(s::user_agent.is_null()).first::<Id>(c),
    };
    Ok(same.optional()?.is_some())
}

/// The most open sessions beyond `max_per_user` that one sign-in ends. If an operator lowered the limit or an older version left more
/// behind, the next sign-ins end the rest.
const MOST_DISPLACED: usize = 100;

/// Leaves a user at most `max_per_user` open sessions, including the new one. The oldest active ones end, and so do expired ones beyond
/// the limit: so a user's open sessions stay few, even if sessions expire soon.
fn displace(
    c: &mut Conn,
    newest: &Session,
    max_per_user: u32,
    effects: &mut SideEffects<'_>,
) -> Result<(), Fault> {
    use sessions as s;
    let context = effects.context;
    let others = usize::try_from(max_per_user.max(1) - 1).unwrap_or(usize::MAX);
    let looked_at = i64::try_from(others.saturating_add(MOST_DISPLACED)).unwrap_or(i64::MAX);
    let open: Vec<(Id, Ts)> = s::table
        .filter(s::user_id.eq(Id(newest.user.as_uuid())))
        .filter(s::ended_at.is_null())
        .filter(s::id.ne(Id(newest.id.as_uuid())))
        .order(s::id.desc())
        .limit(looked_at)
        .select((s::id, s::refresh_expires_at))
        .load(c)?;
    let (live, past): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, until)| context.now < until.0);
    let free = others.saturating_sub(live.len());
    let mut revocations = Vec::new();
    for (id, until) in live.into_iter().skip(others).chain(past.into_iter().skip(free)) {
        let ended: Option<EndedRow> = diesel::update(s::table.find(id).filter(s::ended_at.is_null()))
            .set((
                s::ended_at.eq(Some(Ts(context.now))),
                s::end_reason.eq(Some(EndReason::Displaced.as_str())),
            ))
            .returning(EndedRow::as_returning())
            .prepared()
            .get_result(c)
            .optional()?;
        // An expired session has no token left to revoke, and no event to record.
        let Some(row) = ended.filter(|_| context.now < until.0) else {
            continue;
        };
        let entry = AuditEntry::of(Action::SessionEnded).about(newest.user);
        let entry = entry.session(SessionId::from_uuid(row.id.0));
        effects.audit(c, entry.with("reason", EndReason::Displaced.as_str()))?;
        revocations.push(ended_session(row.id, row.access_until.0, context.grace));
    }
    revocations
        .into_iter()
        .try_for_each(|revocation| effects.revoke(c, revocation))
}

fn ended_session(id: Id, access_until: Timestamp, grace: Span) -> Revocation {
    Revocation {
        what: Revoked::Session(SessionId::from_uuid(id.0)),
        until: after(access_until, grace),
    }
}

/// The revocation of every access token of a session.
pub(super) fn revocation_of(session: &Session, grace: Span) -> Revocation {
    Revocation {
        what: Revoked::Session(session.id),
        until: after(session.rotation.access_until, grace),
    }
}

/// Marks a session as ended. `None`: it had ended already.
pub(super) fn mark_ended(
    c: &mut Conn,
    id: SessionId,
    why: EndReason,
    now: Timestamp,
) -> Result<Option<Session>, Fault> {
    use sessions as s;
    let row: Option<SessionRow> =
        diesel::update(s::table.find(Id(id.as_uuid())).filter(s::ended_at.is_null()))
            .set((
                s::ended_at.eq(Some(Ts(now))),
                s::end_reason.eq(Some(why.as_str())),
            ))
            .returning(SessionRow::as_returning())
            .prepared()
            .get_result(c)
            .optional()?;
    row.map(SessionRow::session).transpose()
}

/// Ends a session of `owner`, or of any user. The caller's own session can be ended even with an access token that has been revoked since;
/// to end another one, the caller's credential must still be valid.
pub(crate) fn end(
    c: &mut Conn,
    id: SessionId,
    owner: Option<UserId>,
    why: EndReason,
    context: &ChangeContext,
) -> Result<Result<Committed<Ended>, Refused>, Fault> {
    let not_found = || Rollback::refused(Refused::NotFound);
    committed_or_refused(c, context, |c, effects| {
        let found =
            session_with_user(c, id)?.filter(|(session, _)| owner.is_none_or(|id| id == session.user));
        let (session, _) = found.ok_or_else(not_found)?;
        if context.by.evidence.is_some() && context.by.session() != Some(id) {
            lock_user_for_change(c, session.user, context)?;
        }
        let ended = mark_ended(c, id, why, context.now)?;
        let newly = ended.is_some();
        // If another call ended the session meanwhile, what that call wrote is read.
        let session = match ended {
            Some(session) => session,
            None => session_with_user(c, id)?.ok_or_else(not_found)?.0,
        };
        if newly {
            let entry = AuditEntry::of(Action::SessionEnded)
                .about(session.user)
                .session(session.id);
            effects.audit(c, entry.with("reason", why.as_str()))?;
        }
        // Recorded again if the session had ended: the node that ended it may have crashed before announcing it.
        effects.revoke(c, revocation_of(&session, context.grace))?;
        Ok(Ended { session, newly })
    })
}

/// A session and its user, in one statement.
pub(crate) fn session_with_user(c: &mut Conn, id: SessionId) -> Result<Option<(Session, User)>, Fault> {
    let found = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(Id(id.as_uuid())));
    let row: Option<(SessionRow, UserRow)> = found
        .select((SessionRow::as_select(), UserRow::as_select()))
        .first(c)
        .optional()?;
    row.map(|(session, user)| Ok((session.session()?, user.user()?)))
        .transpose()
}

/// A page of a user's sessions, newest first.
pub(crate) fn list(
    c: &mut Conn,
    user: UserId,
    filter: Filter,
    now: Timestamp,
    page: Pagination,
) -> Result<Vec<Session>, Fault> {
    use sessions as s;
    let load = |after: Option<Uuid>, limit: i64| -> Result<Vec<SessionRow>, Fault> {
        let mut wanted = s::table
            .inner_join(users::table)
            .filter(s::user_id.eq(Id(user.as_uuid())))
            .select(SessionRow::as_select())
            .into_boxed();
        let live = || {
            s::ended_at
                .is_null()
                .and(s::refresh_expires_at.gt(Ts(now)))
                .and(s::generation.ge(users::token_generation))
        };
        wanted = match filter {
            Filter::Active => wanted.filter(live()),
            Filter::Ended => wanted.filter(diesel::dsl::not(live())),
            Filter::All => wanted,
        };
        if let Some(after) = after {
            wanted = wanted.filter(s::id.lt(Id(after)));
        }
        Ok(wanted.order(s::id.desc()).limit(limit).load(c)?)
    };
    readable_page(page, load, |row| Some(row.id.0), SessionRow::session)
}

/// The most ended sessions of a user that one transaction deletes, which takes some milliseconds.
const HISTORY_BATCH: i64 = 500;

/// Whether a user has more ended sessions than one transaction may delete.
pub(super) fn has_long_history(c: &mut Conn, user: UserId) -> Result<bool, Fault> {
    let beyond = sessions::table
        .filter(sessions::user_id.eq(Id(user.as_uuid())))
        .filter(sessions::ended_at.is_not_null())
        .order(sessions::id.asc())
        .offset(HISTORY_BATCH)
        .select(sessions::id);
    Ok(beyond.first::<Id>(c).optional()?.is_some())
}

/// Deletes ended sessions of a user, the oldest first. `true`: there may be more.
pub(crate) fn delete_ended(c: &mut Conn, user: UserId) -> Result<bool, Fault> {
    let oldest: Vec<Id> = sessions::table
        .filter(sessions::user_id.eq(Id(user.as_uuid())))
        .filter(sessions::ended_at.is_not_null())
        .order(sessions::id.asc())
        .limit(HISTORY_BATCH)
        .select(sessions::id)
        .load(c)?;
    let gone = diesel::delete(sessions::table.filter(sessions::id.eq_any(oldest))).execute(c)?;
    Ok(gone as i64 == HISTORY_BATCH)
}

/// How many rows the walk reads for each one that it may remove.
const STRIDE: i64 = 4;

/// Removes sessions that ended or expired long ago. It finds the expired ones by walking through the table in the order of its key, some
/// rows in each call, because an index on the expiry would have to be updated at every refresh.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    let long_ago = before(sweep.now, sweep.keep.keep_ended_sessions);
    let ended = sweep_ended(c, sweep.now, long_ago, sweep.limit())?;
    let free = sweep.limit() - i64::try_from(ended).unwrap_or(i64::MAX);
    if free <= 0 {
        return Ok(ended);
    }
    let walked_to = *sweep.walk.lock().unwrap_or_else(PoisonError::into_inner);
    let (expired, walked_to) = sweep_expired(c, long_ago, free, walked_to)?;
    *sweep.walk.lock().unwrap_or_else(PoisonError::into_inner) = walked_to;
    Ok(ended + expired)
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

/// Continues the walk from `walked_to`. Returns how many rows it removed, and where it stopped.
fn sweep_expired(
    c: &mut Conn,
    long_ago: Timestamp,
    limit: i64,
    walked_to: Option<Uuid>,
) -> Result<(u64, Option<Uuid>), Fault> {
    use sessions as s;
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
    // After the end of the table, the next walk starts from the beginning.
    let at_the_end =
        (ahead.len() as i64) < limit.saturating_mul(STRIDE) && stopped == ahead.last().map(|(id, _)| id.0);
    let over = s::table
        .filter(s::id.eq_any(expired))
        .filter(s::refresh_expires_at.lt(Ts(long_ago)));
    let gone = diesel::delete(over).execute(c)? as u64;
    Ok((gone, if at_the_end { None } else { stopped }))
}
