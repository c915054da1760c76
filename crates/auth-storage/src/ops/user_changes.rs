//! Changes of a user that end or carry over their sessions (docs/rules.md §2). [`end_credentials`] carries out the table of what each of
//! them ends.
//!
//! The rule: each locks the user's row first. So a session that started before is ended or carried over, and a sign-in that comes later
//! sees the raised generation. A change that could remove an administrator locks the guard before the row.

use super::{
    Conn, committed_or_refused,
    endings::{EndedTokens, Ending, end_credentials, record_user_revocation},
    lock_guard, outbox,
    sessions::has_long_history,
    side_effects::{AuditEntry, OutboxMail, SideEffects},
    user_lock::lock_user_for_change,
    users::any_administrator,
};
use crate::{
    committed::Committed,
    context::{ChangeContext, Refused},
    fault::{Fault, Rollback},
    prepared::Prepare as _,
    schema::{sessions, users},
    sessions::{EndedAll as EndedSessions, EndedRow},
    sqlty::{Id, Ts},
    users::{Change, Changed, UserRow, name_key},
};
use auth_domain::{
    audit::{Action, Actor},
    credential::SecurityEvent,
    ids::{SessionId, UserId},
    mail::MailKind,
    password_hash::PasswordHash,
    role::Role,
    session::EndReason,
    user::{DisplayName, Generation, User, UserStatus},
};
use diesel::prelude::*;

/// The guard of changes that could remove an administrator.
pub(super) const ADMINISTRATORS: &str = "administrators";

/// Changes a user's name, role, status or verification.
pub(crate) fn change(
    c: &mut Conn,
    id: UserId,
    change: &Change,
    administrators: &[Role],
    context: &ChangeContext,
) -> Result<Result<Committed<Changed>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let may_demote = change.role.is_some() || change.status == Some(UserStatus::Disabled);
        let cuts = may_demote || change.email_verified_at == Some(None);
        if may_demote {
            lock_guard(c, ADMINISTRATORS)?;
        }
        let before = lock_user_for_change(c, id, context)?;
        let after = User {
            name: change.name.clone().unwrap_or_else(|| before.name.clone()),
            role: change.role.clone().unwrap_or_else(|| before.role.clone()),
            status: change.status.unwrap_or(before.status),
            email_verified_at: change.email_verified_at.unwrap_or(before.email_verified_at),
            ..before.clone()
        };
        if administers(&before, administrators)
            && !administers(&after, administrators)
            && !any_administrator(c, administrators, Some(id))?
        {
            return Err(Rollback::refused(Refused::LastAdmin));
        }
        let user = write(c, &after)?;
        audit_changes(c, &before, &user, effects)?;
        let Some(event) = before.event_of_change_to(&after) else {
            // A repeated request records the revocation again: the node that handled the first one may have crashed before announcing it.
            if cuts {
                record_user_revocation(c, id, before.generation, &EndedTokens::default(), effects)?;
            }
            return Ok(Changed {
                user,
                sessions_ended: 0,
            });
        };
        let ending = Ending::of(event, EndReason::UserDisabled);
        Ok(changed(c, &before, &ending, effects)?)
    })
}

/// Ends the credentials that an event ends, and returns the result of the change.
fn changed(
    c: &mut Conn,
    before: &User,
    ending: &Ending<'_>,
    effects: &mut SideEffects<'_>,
) -> Result<Changed, Fault> {
    let ended = end_credentials(c, before, ending, effects)?;
    Ok(Changed {
        user: ended.user,
        sessions_ended: ended.sessions,
    })
}

/// Locks a user out. A mail notifies them, and says that they need a reset to sign in again.
pub(crate) fn lock_out(
    c: &mut Conn,
    id: UserId,
    context: &ChangeContext,
) -> Result<Result<Committed<Changed>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let user = lock_user_for_change(c, id, context)?;
        effects.audit(c, AuditEntry::of(Action::UserLockedOut).about(id))?;
        effects.mail(c, OutboxMail::to(id, MailKind::LockedOut))?;
        let ending = Ending::of(SecurityEvent::LockedOut, EndReason::LockedOut);
        Ok(changed(c, &user, &ending, effects)?)
    })
}

/// Changes a user's password: in one of their sessions, or by an operator.
pub(crate) fn set_password(
    c: &mut Conn,
    id: UserId,
    hash: &PasswordHash,
    current: Option<SessionId>,
    context: &ChangeContext,
) -> Result<Result<Committed<Changed>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let before = lock_user_for_change(c, id, context)?;
        let action = if context.by.actor == Actor::User(id) {
            Action::PasswordChanged
        } else {
            Action::PasswordSet
        };
        effects.audit(c, AuditEntry::of(action).about(id))?;
        effects.mail(c, OutboxMail::to(id, MailKind::PasswordChanged))?;
        let event = match current {
            Some(_) => SecurityEvent::PasswordChanged,
            None => SecurityEvent::PasswordSet,
        };
        let ending = Ending::of(event, EndReason::PasswordChanged).in_session(current);
        Ok(changed(c, &before, &ending.with_password(hash), effects)?)
    })
}

/// Ends all of a user's sessions.
pub(crate) fn end_sessions(
    c: &mut Conn,
    id: UserId,
    why: EndReason,
    context: &ChangeContext,
) -> Result<Result<Committed<EndedSessions>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let before = lock_user_for_change(c, id, context)?;
        let ending = Ending::of(SecurityEvent::AllSessionsEnded, why);
        Ok(ended_sessions(c, &before, &ending, (why, None), effects)?)
    })
}

/// Ends all of a user's sessions except one, which is carried over.
pub(crate) fn end_other_sessions(
    c: &mut Conn,
    id: UserId,
    current: SessionId,
    why: EndReason,
    context: &ChangeContext,
) -> Result<Result<Committed<EndedSessions>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let before = lock_user_for_change(c, id, context)?;
        let ending = Ending::of(SecurityEvent::OtherSessionsEnded, why).in_session(Some(current));
        Ok(ended_sessions(
            c,
            &before,
            &ending,
            (why, Some(current)),
            effects,
        )?)
    })
}

fn ended_sessions(
    c: &mut Conn,
    before: &User,
    ending: &Ending<'_>,
    (why, spared): (EndReason, Option<SessionId>),
    effects: &mut SideEffects<'_>,
) -> Result<EndedSessions, Fault> {
    let ended = end_credentials(c, before, ending, effects)?;
    let mut entry = AuditEntry::of(Action::AllSessionsEnded)
        .about(before.id)
        .with("reason", why.as_str())
        .with("count", ended.sessions);
    if let Some(spared) = spared {
        entry = entry.with("spared", spared);
    }
    effects.audit(c, entry)?;
    Ok(EndedSessions {
        count: ended.sessions,
        generation: ended.user.generation,
    })
}

/// Deletes a user and everything they own. The revocation of all their tokens stays. `Err(None)`: the user has more ended sessions than one
/// transaction may delete; these have to be deleted first ([`super::sessions::delete_ended`]).
pub(crate) fn delete(
    c: &mut Conn,
    id: UserId,
    administrators: &[Role],
    context: &ChangeContext,
) -> Result<Result<Committed<Changed>, Option<Refused>>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        lock_guard(c, ADMINISTRATORS)?;
        let user = lock_user_for_change(c, id, context)?;
        if administers(&user, administrators) && !any_administrator(c, administrators, Some(id))? {
            return Err(Rollback::refused(Some(Refused::LastAdmin)));
        }
        if has_long_history(c, id)? {
            return Err(Rollback::refused(None));
        }
        let rows: Vec<EndedRow> =
            diesel::delete(sessions::table.filter(sessions::user_id.eq(Id(id.as_uuid()))))
                .returning(EndedRow::as_returning())
                .prepared()
                .get_results(c)?;
        let tokens = EndedTokens::of(&rows, user.generation, context.now);
        diesel::delete(users::table.find(Id(id.as_uuid()))).execute(c)?;
        outbox::erase_user(c, id)?;
        effects.audit(c, AuditEntry::of(Action::UserDeleted).about(id))?;
        effects.mail(c, OutboxMail::to(id, MailKind::AccountDeleted).at(&user.email))?;
        record_user_revocation(c, id, Generation::DELETED, &tokens, effects)?;
        Ok(Changed {
            user,
            sessions_ended: tokens.sessions,
        })
    })
}

/// Writes one audit row for each kind of change.
fn audit_changes(
    c: &mut Conn,
    before: &User,
    after: &User,
    effects: &mut SideEffects<'_>,
) -> Result<(), Fault> {
    if before.role != after.role {
        let entry = AuditEntry::of(Action::RoleChanged).about(after.id);
        effects.audit(c, entry.with("from", &before.role).with("to", &after.role))?;
    }
    if before.status != after.status {
        let action = match after.status {
            UserStatus::Active => Action::UserEnabled,
            // No change sets a status of a newer version. If one did, the user could not sign in here, either.
            UserStatus::Disabled | UserStatus::Newer(_) => Action::UserDisabled,
        };
        effects.audit(c, AuditEntry::of(action).about(after.id))?;
    }
    let verified = before.email_verified_at.is_some() != after.email_verified_at.is_some();
    if before.name != after.name || verified {
        let mut entry = AuditEntry::of(Action::UserUpdated).about(after.id);
        if before.name != after.name {
            entry = entry.with("name", "changed");
        }
        if verified {
            entry = entry.with("email_verified", after.email_verified_at.is_some());
        }
        effects.audit(c, entry)?;
    }
    Ok(())
}

fn administers(user: &User, administrators: &[Role]) -> bool {
    user.status == UserStatus::Active && administrators.contains(&user.role)
}

fn write(c: &mut Conn, user: &User) -> Result<User, Fault> {
    let row: UserRow = diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set((
            users::name.eq(user.name.as_ref().map(DisplayName::as_str)),
            users::name_key.eq(user.name.as_ref().map(name_key)),
            users::role.eq(user.role.as_str()),
            users::status.eq(user.status.as_str()),
            users::email_verified_at.eq(user.email_verified_at.map(Ts)),
        ))
        .returning(UserRow::as_returning())
        .prepared()
        .get_result(c)?;
    row.user()
}
