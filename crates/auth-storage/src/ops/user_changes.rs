//! Changes of a user that cut its sessions (behaviour.md §2).
//!
//! Each takes the user's row first, so that no sign-in slips in between: a session inserted before is ended or lifted over,
//! one inserted after sees the raised generation. A change that could remove an administrator takes the guard before that.

use super::{
    Conn,
    hold::take,
    notes::{Note, Notes, Post},
    one_time_tokens::void,
    outbox,
    revocations::record,
    sessions::has_long_history,
    take_guard,
    users::any_administrator,
    whole, whole_or_undone,
};
use crate::{
    asks::{Terms, UserChange},
    fault::{Fault, Undo},
    outcomes::{EndedSessions, UserOutcome},
    prepared::Prepare as _,
    rows::{FallenRow, UserRow, name_key},
    schema::{sessions, users},
    sqlty::{Id, Ts},
};
use auth_domain::{
    audit::{Action, Actor},
    ids::{SessionId, UserId},
    mail::MailKind,
    one_time::TokenKind,
    password_hash::PasswordHash,
    revocation::{Revocation, Revoked},
    role::Role,
    session::EndReason,
    time::{Timestamp, after},
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
    terms: &Terms,
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
        let disabled = before.status == UserStatus::Active && after.status == UserStatus::Disabled;
        // Tokens say the role and whether the address is confirmed. What is taken away must not be said any longer.
        let unverified = before.email_verified_at.is_some() && after.email_verified_at.is_none();
        let cut = disabled || unverified || before.role != after.role;
        let generation = if cut {
            before.generation.raised()
        } else {
            before.generation
        };
        let user = write(c, &after, generation)?;
        let fallen = if disabled {
            void(c, id, &TokenKind::ALL)?;
            end_live(c, &before, EndReason::UserDisabled, None, terms)?
        } else if cut {
            lift_live(c, &before, generation)?
        } else {
            Fallen::default()
        };
        note_changes(c, &before, &user, terms)?;
        // Asked for again, a cut is recorded again: whoever asked first may have died before it was announced.
        let revocations = if cuts {
            cut_off(c, id, generation, &fallen, terms)?
        } else {
            Vec::new()
        };
        Ok(UserOutcome::Changed {
            user,
            revocations,
            sessions_ended: fallen.ended,
        })
    })
}

/// Changes a user's password: all sessions end but the spared one, which goes on with its refresh token.
pub(crate) fn set_password(
    c: &mut Conn,
    id: UserId,
    hash: &PasswordHash,
    spare: Option<SessionId>,
    terms: &Terms,
) -> Result<UserOutcome, Fault> {
    whole(c, |c| {
        let Some(before) = take(c, id, terms)? else {
            return Ok(UserOutcome::NotFound);
        };
        let generation = before.generation.raised();
        let row: UserRow = diesel::update(users::table.find(Id(id.as_uuid())))
            .set((
                users::password_hash.eq(hash.expose()),
                users::password_changed_at.eq(Some(Ts(terms.now))),
                users::token_generation.eq(generation.number()),
            ))
            .returning(UserRow::as_returning())
            .prepared()
            .get_result(c)?;
        let mut fallen = end_live(c, &before, EndReason::PasswordChanged, spare, terms)?;
        if spare.is_some() {
            fallen.join(lift_live(c, &before, generation)?);
        }
        // Whoever the owner shuts out may have asked for a new address.
        void(c, id, &[TokenKind::PasswordReset, TokenKind::EmailChange])?;
        let action = if terms.by.actor == Actor::User(id) {
            Action::PasswordChanged
        } else {
            Action::PasswordSet
        };
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(action).about(id))?;
        notes.mail(c, Post::to(id, MailKind::PasswordChanged))?;
        let revocations = cut_off(c, id, generation, &fallen, terms)?;
        Ok(UserOutcome::Changed {
            user: row.user()?,
            revocations,
            sessions_ended: fallen.ended,
        })
    })
}

/// Ends all of a user's sessions. Unlike [`take`] this does not look whether whoever asks was signed out meanwhile: to end
/// everything undoes nobody's cut. [`end_other_sessions`] spares a session, and so looks: what was just cut off is not spared.
pub(crate) fn end_sessions(
    c: &mut Conn,
    id: UserId,
    why: EndReason,
    terms: &Terms,
) -> Result<Option<EndedSessions>, Fault> {
    whole(c, |c| {
        let raised: Option<UserRow> = diesel::update(users::table.find(Id(id.as_uuid())))
            .set(users::token_generation.eq(users::token_generation + 1))
            .returning(UserRow::as_returning())
            .prepared()
            .get_result(c)
            .optional()?;
        let Some(user) = raised.map(UserRow::user).transpose()? else {
            return Ok(None);
        };
        let generation = user.generation;
        let before = User {
            generation: Generation::from_number(generation.number() - 1).unwrap_or(generation),
            ..user
        };
        end_raised(c, &before, generation, None, why, terms).map(Some)
    })
}

/// Ends all of a user's sessions but one: the same cut, and that one is lifted over it.
pub(crate) fn end_other_sessions(
    c: &mut Conn,
    id: UserId,
    spare: SessionId,
    why: EndReason,
    terms: &Terms,
) -> Result<Option<EndedSessions>, Fault> {
    whole(c, |c| {
        let Some(before) = take(c, id, terms)? else {
            return Ok(None);
        };
        let generation = before.generation.raised();
        let _raised: Id = diesel::update(users::table.find(Id(id.as_uuid())))
            .set(users::token_generation.eq(generation.number()))
            .returning(users::id)
            .prepared()
            .get_result(c)?;
        end_raised(c, &before, generation, Some(spare), why, terms).map(Some)
    })
}

/// Ends the sessions of a user whose generation was raised, but the spared one, which is lifted over the cut.
fn end_raised(
    c: &mut Conn,
    before: &User,
    generation: Generation,
    spare: Option<SessionId>,
    why: EndReason,
    terms: &Terms,
) -> Result<EndedSessions, Fault> {
    let mut fallen = end_live(c, before, why, spare, terms)?;
    let mut note = Note::of(Action::AllSessionsEnded)
        .about(before.id)
        .with("reason", why.as_str())
        .with("count", fallen.ended);
    if let Some(spare) = spare {
        fallen.join(lift_live(c, before, generation)?);
        note = note.with("spared", spare);
    }
    Notes::of(terms).audit(c, note)?;
    let revocations = cut_off(c, before.id, generation, &fallen, terms)?;
    Ok(EndedSessions {
        count: fallen.ended,
        generation,
        revocations,
    })
}

/// Deletes a user and all it owns. The revocation of everything it ever held stays. `None`: nothing was done, because the user has
/// more ended sessions than one transaction may delete; they go first ([`super::sessions::forget_ended`]).
pub(crate) fn delete(
    c: &mut Conn,
    id: UserId,
    administrators: &[Role],
    terms: &Terms,
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
        let rows: Vec<FallenRow> =
            diesel::delete(sessions::table.filter(sessions::user_id.eq(Id(id.as_uuid()))))
                .returning(FallenRow::as_returning())
                .prepared()
                .get_results(c)?;
        let fallen = Fallen::of(&rows, user.generation, terms.now);
        diesel::delete(users::table.find(Id(id.as_uuid()))).execute(c)?;
        outbox::forget_user(c, id)?;
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::UserDeleted).about(id))?;
        notes.mail(c, Post::to(id, MailKind::AccountDeleted).at(&user.email))?;
        let revocations = cut_off(c, id, Generation::DELETED, &fallen, terms)?;
        Ok(Some(UserOutcome::Changed {
            user,
            revocations,
            sessions_ended: fallen.ended,
        }))
    })
}

/// One row for each thing that changed.
fn note_changes(c: &mut Conn, before: &User, after: &User, terms: &Terms) -> Result<(), Fault> {
    let mut notes = Notes::of(terms);
    if before.role != after.role {
        let note = Note::of(Action::RoleChanged).about(after.id);
        notes.audit(c, note.with("from", &before.role).with("to", &after.role))?;
    }
    if before.status != after.status {
        let action = match after.status {
            UserStatus::Active => Action::UserEnabled,
            UserStatus::Disabled => Action::UserDisabled,
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

fn write(c: &mut Conn, user: &User, generation: Generation) -> Result<User, Fault> {
    let row: UserRow = diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set((
            users::name.eq(user.name.as_ref().map(DisplayName::as_str)),
            users::name_key.eq(user.name.as_ref().map(name_key)),
            users::role.eq(user.role.as_str()),
            users::status.eq(user.status.as_str()),
            users::email_verified_at.eq(user.email_verified_at.map(Ts)),
            users::token_generation.eq(generation.number()),
        ))
        .returning(UserRow::as_returning())
        .prepared()
        .get_result(c)?;
    row.user()
}

/// Sessions that a cut hit.
#[derive(Default)]
pub(super) struct Fallen {
    /// How many live ones ended.
    pub(super) ended: u64,
    /// The expiry of the last access token among them.
    last_access: Option<Timestamp>,
}

impl Fallen {
    fn of(rows: &[FallenRow], generation: Generation, now: Timestamp) -> Self {
        let live = |row: &&FallenRow| row.is_live(generation, now);
        Self {
            ended: rows.iter().filter(live).count() as u64,
            last_access: rows.iter().map(|row| row.access_until.0).max(),
        }
    }

    fn join(&mut self, other: Self) {
        self.last_access = self.last_access.max(other.last_access);
    }
}

/// Ends the sessions that have not ended; those past their time, too, since another node's clock may still call them live.
pub(super) fn end_live(
    c: &mut Conn,
    before: &User,
    why: EndReason,
    spare: Option<SessionId>,
    terms: &Terms,
) -> Result<Fallen, Fault> {
    use sessions as s;
    let mine = s::user_id.eq(Id(before.id.as_uuid())).and(s::ended_at.is_null());
    let end = (
        s::ended_at.eq(Some(Ts(terms.now))),
        s::end_reason.eq(Some(why.as_str())),
    );
    let rows: Vec<FallenRow> = match spare {
        None => diesel::update(s::table.filter(mine))
            .set(end)
            .returning(FallenRow::as_returning())
            .prepared()
            .get_results(c)?,
        Some(spare) => diesel::update(s::table.filter(mine).filter(s::id.ne(Id(spare.as_uuid()))))
            .set(end)
            .returning(FallenRow::as_returning())
            .prepared()
            .get_results(c)?,
    };
    Ok(Fallen::of(&rows, before.generation, terms.now))
}

/// Lifts the sessions that have not ended over a cut: their refresh tokens go on.
fn lift_live(c: &mut Conn, before: &User, generation: Generation) -> Result<Fallen, Fault> {
    use sessions as s;
    let mine = s::user_id.eq(Id(before.id.as_uuid())).and(s::ended_at.is_null());
    // None below the old generation: what an earlier cut left behind stays dead.
    let alive = s::table
        .filter(mine)
        .filter(s::generation.ge(before.generation.number()));
    let rows: Vec<FallenRow> = diesel::update(alive)
        .set(s::generation.eq(generation.number()))
        .returning(FallenRow::as_returning())
        .prepared()
        .get_results(c)?;
    let last_access = rows.iter().map(|row| row.access_until.0).max();
    Ok(Fallen {
        ended: 0,
        last_access,
    })
}

pub(super) fn cut_off(
    c: &mut Conn,
    id: UserId,
    least: Generation,
    fallen: &Fallen,
    terms: &Terms,
) -> Result<Vec<Revocation>, Fault> {
    let last = fallen.last_access.map(|expiry| after(expiry, terms.grace));
    let until = last.map_or(terms.until_at_least, |last| last.max(terms.until_at_least));
    let revocations = vec![Revocation {
        what: Revoked::User(id, least),
        until,
    }];
    record(c, &revocations)?;
    Ok(revocations)
}
