//! Changes of a user that cut its sessions (behaviour.md §2). What each of them ends is in the table that [`end_credentials`]
//! carries out.
//!
//! Each takes the user's row first, so that no sign-in slips in between: a session inserted before is ended or lifted over,
//! one inserted after sees the raised generation. A change that could remove an administrator takes the guard before that.

use super::{
    Conn,
    endings::{EndedTokens, Ending, end_credentials, record_cut},
    hold::{hold, take},
    notes::{Note, Notes, Post},
    outbox,
    sessions::has_long_history,
    take_guard,
    users::any_administrator,
    whole, whole_or_undone,
};
use crate::{
    asks::UserChange,
    context::ChangeContext,
    fault::{Fault, Undo},
    outcomes::{EndedSessions, UserOutcome},
    prepared::Prepare as _,
    rows::{EndedRow, UserRow, name_key},
    schema::{sessions, users},
    sqlty::{Id, Ts},
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

/// Who holds this may change who administers.
pub(super) const ADMINISTRATORS: &str = "administrators";

/// Changes a user's name, role, status or verification.
pub(crate) fn change(
    c: &mut Conn,
    id: UserId,
    change: &UserChange,
    administrators: &[Role],
    terms: &ChangeContext,
) -> Result<UserOutcome, Fault> {
    whole_or_undone(c, |c| {
        let may_demote = change.role.is_some() || change.status == Some(UserStatus::Disabled);
        let cuts = may_demote || change.email_verified_at == Some(None);
        if may_demote {
            take_guard(c, ADMINISTRATORS)?;
        }
        let Some(before) = take(c, id, terms)? else {
            return Ok(UserOutcome::NotFound);
        };
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
            return Err(Undo::with(UserOutcome::LastAdmin));
        }
        let user = write(c, &after)?;
        note_changes(c, &before, &user, terms)?;
        let Some(event) = before.event_of_becoming(&after) else {
            // Asked for again, a cut is recorded again: the node that was asked first may have died before it announced it.
            let revocations = if cuts {
                record_cut(c, id, before.generation, &EndedTokens::default(), terms)?
            } else {
                Vec::new()
            };
            return Ok(UserOutcome::Changed {
                user,
                revocations,
                sessions_ended: 0,
            });
        };
        changed(c, &before, &Ending::of(event, EndReason::UserDisabled), terms).map_err(Undo::from)
    })
}

/// Ends what an event ends, as the outcome of a change.
fn changed(
    c: &mut Conn,
    before: &User,
    ending: &Ending<'_>,
    terms: &ChangeContext,
) -> Result<UserOutcome, Fault> {
    let ended = end_credentials(c, before, ending, terms)?;
    Ok(UserOutcome::Changed {
        user: ended.user,
        revocations: ended.revocations,
        sessions_ended: ended.sessions,
    })
}

/// Locks a user out: a mail says so, and that it takes a reset to come back.
pub(crate) fn lock_out(c: &mut Conn, id: UserId, terms: &ChangeContext) -> Result<UserOutcome, Fault> {
    whole(c, |c| {
        let Some(user) = take(c, id, terms)? else {
            return Ok(UserOutcome::NotFound);
        };
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::UserLockedOut).about(id))?;
        notes.mail(c, Post::to(id, MailKind::LockedOut))?;
        let ending = Ending::of(SecurityEvent::LockedOut, EndReason::LockedOut);
        changed(c, &user, &ending, terms)
    })
}

/// Changes a user's password, in one of its sessions or by the operator.
pub(crate) fn set_password(
    c: &mut Conn,
    id: UserId,
    hash: &PasswordHash,
    current: Option<SessionId>,
    terms: &ChangeContext,
) -> Result<UserOutcome, Fault> {
    whole(c, |c| {
        let Some(before) = take(c, id, terms)? else {
            return Ok(UserOutcome::NotFound);
        };
        let action = if terms.by.actor == Actor::User(id) {
            Action::PasswordChanged
        } else {
            Action::PasswordSet
        };
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(action).about(id))?;
        notes.mail(c, Post::to(id, MailKind::PasswordChanged))?;
        let event = match current {
            Some(_) => SecurityEvent::PasswordChanged,
            None => SecurityEvent::PasswordSet,
        };
        let ending = Ending::of(event, EndReason::PasswordChanged).in_session(current);
        changed(c, &before, &ending.with_password(hash), terms)
    })
}

/// Ends all of a user's sessions. Unlike [`take`] this does not look whether the caller was signed out meanwhile: to end
/// everything undoes no other cut. [`end_other_sessions`] spares a session, and so looks: what was just ended is not spared.
pub(crate) fn end_sessions(
    c: &mut Conn,
    id: UserId,
    why: EndReason,
    terms: &ChangeContext,
) -> Result<Option<EndedSessions>, Fault> {
    whole(c, |c| {
        let Some(held) = hold(c, id)? else {
            return Ok(None);
        };
        let ending = Ending::of(SecurityEvent::AllSessionsEnded, why);
        ended_sessions(c, &held.user, &ending, (why, None), terms).map(Some)
    })
}

/// Ends all of a user's sessions but one, which goes on over the cut.
pub(crate) fn end_other_sessions(
    c: &mut Conn,
    id: UserId,
    current: SessionId,
    why: EndReason,
    terms: &ChangeContext,
) -> Result<Option<EndedSessions>, Fault> {
    whole(c, |c| {
        let Some(before) = take(c, id, terms)? else {
            return Ok(None);
        };
        let ending = Ending::of(SecurityEvent::OtherSessionsEnded, why).in_session(Some(current));
        ended_sessions(c, &before, &ending, (why, Some(current)), terms).map(Some)
    })
}

fn ended_sessions(
    c: &mut Conn,
    before: &User,
    ending: &Ending<'_>,
    (why, spared): (EndReason, Option<SessionId>),
    terms: &ChangeContext,
) -> Result<EndedSessions, Fault> {
    let ended = end_credentials(c, before, ending, terms)?;
    let mut note = Note::of(Action::AllSessionsEnded)
        .about(before.id)
        .with("reason", why.as_str())
        .with("count", ended.sessions);
    if let Some(spared) = spared {
        note = note.with("spared", spared);
    }
    Notes::of(terms).audit(c, note)?;
    Ok(EndedSessions {
        count: ended.sessions,
        generation: ended.user.generation,
        revocations: ended.revocations,
    })
}

/// Deletes a user and all it owns. The revocation of everything it ever held stays. `None`: nothing was done, because the user has
/// more ended sessions than one transaction may delete; they go first ([`super::sessions::forget_ended`]).
pub(crate) fn delete(
    c: &mut Conn,
    id: UserId,
    administrators: &[Role],
    terms: &ChangeContext,
) -> Result<Option<UserOutcome>, Fault> {
    whole_or_undone(c, |c| {
        take_guard(c, ADMINISTRATORS)?;
        let Some(user) = take(c, id, terms)? else {
            return Ok(Some(UserOutcome::NotFound));
        };
        if administers(&user, administrators) && !any_administrator(c, administrators, Some(id))? {
            return Err(Undo::with(Some(UserOutcome::LastAdmin)));
        }
        if has_long_history(c, id)? {
            return Err(Undo::with(None));
        }
        let rows: Vec<EndedRow> =
            diesel::delete(sessions::table.filter(sessions::user_id.eq(Id(id.as_uuid()))))
                .returning(EndedRow::as_returning())
                .prepared()
                .get_results(c)?;
        let tokens = EndedTokens::of(&rows, user.generation, terms.now);
        diesel::delete(users::table.find(Id(id.as_uuid()))).execute(c)?;
        outbox::forget_user(c, id)?;
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::UserDeleted).about(id))?;
        notes.mail(c, Post::to(id, MailKind::AccountDeleted).at(&user.email))?;
        let revocations = record_cut(c, id, Generation::DELETED, &tokens, terms)?;
        Ok(Some(UserOutcome::Changed {
            user,
            revocations,
            sessions_ended: tokens.sessions,
        }))
    })
}

/// One row for each thing that changed.
fn note_changes(c: &mut Conn, before: &User, after: &User, terms: &ChangeContext) -> Result<(), Fault> {
    let mut notes = Notes::of(terms);
    if before.role != after.role {
        let note = Note::of(Action::RoleChanged).about(after.id);
        notes.audit(c, note.with("from", &before.role).with("to", &after.role))?;
    }
    if before.status != after.status {
        let action = match after.status {
            UserStatus::Active => Action::UserEnabled,
            // No change leads to a status of a newer version; where it did, the user could not sign in here either.
            UserStatus::Disabled | UserStatus::Newer(_) => Action::UserDisabled,
        };
        notes.audit(c, Note::of(action).about(after.id))?;
    }
    let verified = before.email_verified_at.is_some() != after.email_verified_at.is_some();
    if before.name != after.name || verified {
        let mut note = Note::of(Action::UserUpdated).about(after.id);
        if before.name != after.name {
            note = note.with("name", "changed");
        }
        if verified {
            note = note.with("email_verified", after.email_verified_at.is_some());
        }
        notes.audit(c, note)?;
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
