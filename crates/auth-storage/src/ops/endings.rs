//! Ends the credentials that a security event ends. The rule: the table of [`auth_domain::credential`] decides, and only the loop here
//! ends a user's credentials because of an event. Its match has no wildcard: a new kind of credential does not compile until this file
//! says how it ends. (A single session ends in `sessions` or `rotation`; a deleted user's rows are deleted with the user.)

use super::{Conn, one_time_tokens::void, side_effects::SideEffects};
use crate::{
    context::ChangeContext,
    fault::Fault,
    prepared::Prepare as _,
    schema::{api_keys, one_time_tokens, outbox, sessions, users},
    sessions::EndedRow,
    sqlty::{Id, Ts},
    users::{EndingColumns, UserRow},
};
use auth_domain::{
    credential::{Credential, Fate, SecurityEvent, fate},
    ids::{SessionId, UserId},
    mail::{Link, MailKind},
    one_time::TokenKind,
    password_hash::PasswordHash,
    revocation::{Revocation, Revoked},
    session::EndReason,
    time::{Timestamp, after},
    user::{Generation, User},
};
use diesel::prelude::*;

/// A security event, and the values that its consequences need.
pub(super) struct Ending<'a> {
    event: SecurityEvent,
    why: EndReason,
    current: Option<SessionId>,
    new_password: Option<&'a PasswordHash>,
    reports_stay_before: Option<Timestamp>,
}

impl<'a> Ending<'a> {
    /// An event, and the reason that is stored in the sessions that it ends.
    pub(super) const fn of(event: SecurityEvent, why: EndReason) -> Self {
        Self {
            event,
            why,
            current: None,
            new_password: None,
            reports_stay_before: None,
        }
    }

    /// The event.
    pub(super) const fn event(&self) -> SecurityEvent {
        self.event
    }

    /// Adds the session in which the event was caused.
    pub(super) const fn in_session(self, current: Option<SessionId>) -> Self {
        Self { current, ..self }
    }

    /// Adds the hash that replaces the password.
    pub(super) const fn with_password(self, hash: &'a PasswordHash) -> Self {
        Self {
            new_password: Some(hash),
            ..self
        }
    }

    /// Keeps report links from before this time, even if the table says that report links end.
    pub(super) const fn sparing_reports_before(self, moment: Timestamp) -> Self {
        Self {
            reports_stay_before: Some(moment),
            ..self
        }
    }
}

/// The result of an event.
pub(super) struct Ended {
    /// The user after the event.
    pub(super) user: User,
    /// The number of active sessions that ended.
    pub(super) sessions: u64,
}

/// Ends the credentials that an event ends, for a user whose row is locked. It must be among the last writes of a transaction: other
/// nodes read its revocations once it is committed.
pub(super) fn end_credentials(
    c: &mut Conn,
    before: &User,
    ending: &Ending<'_>,
    effects: &mut SideEffects<'_>,
) -> Result<Ended, Fault> {
    let context = effects.context;
    let mut progress = Progress {
        before,
        generation: before.generation.raised(),
        ending,
        context,
        row: EndingColumns::default(),
        tokens: EndedTokens::default(),
    };
    for credential in Credential::ALL {
        match fate(ending.event, credential) {
            Fate::Stays => {}
            Fate::CarriedOver => carry_over(c, &mut progress, credential)?,
            Fate::Ends => end_credential(c, &mut progress, credential)?,
        }
    }
    if Credential::LINKS
        .into_iter()
        .all(|links| fate(ending.event, links) == Fate::Ends)
    {
        end_newer_links(c, before.id)?;
    }
    let row: UserRow = diesel::update(users::table.find(Id(before.id.as_uuid())))
        .set(&progress.row)
        .returning(UserRow::as_returning())
        .prepared()
        .get_result(c)?;
    let user = row.user()?;
    record_user_revocation(c, user.id, user.generation, &progress.tokens, effects)?;
    Ok(Ended {
        user,
        sessions: progress.tokens.sessions,
    })
}

/// The state while the consequences of an event are carried out.
struct Progress<'a> {
    before: &'a User,
    generation: Generation,
    ending: &'a Ending<'a>,
    context: &'a ChangeContext,
    row: EndingColumns<'a>,
    tokens: EndedTokens,
}

fn end_credential(c: &mut Conn, progress: &mut Progress<'_>, credential: Credential) -> Result<(), Fault> {
    let (user, now) = (progress.before.id, progress.context.now);
    match credential {
        // An access token below its user's generation is refused. The revocation that records this is the last write.
        Credential::CurrentAccessTokens | Credential::OtherAccessTokens => {
            progress.row.token_generation = Some(progress.generation.number());
        }
        Credential::CurrentSession => {
            if let Some(current) = progress.ending.current {
                let ended = end_active_sessions(c, progress, Which::One(current))?;
                progress.tokens.join(ended);
            }
        }
        Credential::OtherSessions => {
            let which = progress.ending.current.map_or(Which::All, Which::AllBut);
            let ended = end_active_sessions(c, progress, which)?;
            progress.tokens.join(ended);
        }
        Credential::Password => {
            progress.row.password_hash = Some(progress.ending.new_password.map(PasswordHash::expose));
            progress.row.password_changed_at = Some(Ts(now));
        }
        Credential::ApiKeys => end_api_keys(c, user)?,
        Credential::ResetLinks => end_links(c, user, TokenKind::PasswordReset)?,
        Credential::VerificationLinks => end_links(c, user, TokenKind::EmailVerification)?,
        Credential::EmailChangeLinks => end_links(c, user, TokenKind::EmailChange)?,
        Credential::ReportLinks => match progress.ending.reports_stay_before {
            None => end_links(c, user, TokenKind::Report)?,
            Some(moment) => end_reports_since(c, user, moment)?,
        },
        // A device token contains the time of its issue: devices with an older token are no longer known. The current device gets
        // a new token.
        Credential::CurrentDevice | Credential::OtherDevices => progress.row.devices_from = Some(Ts(now)),
    }
    Ok(())
}

/// Carries sessions over. A device that stays known is not stored: it gets its new token with the answer.
fn carry_over(c: &mut Conn, progress: &mut Progress<'_>, credential: Credential) -> Result<(), Fault> {
    let which = match (credential, progress.ending.current) {
        (Credential::CurrentSession, Some(current)) => Which::One(current),
        (Credential::OtherSessions, Some(current)) => Which::AllBut(current),
        (Credential::OtherSessions, None) => Which::All,
        _ => return Ok(()),
    };
    let carried = carry_sessions_over(c, progress, which)?;
    progress.tokens.join(carried);
    Ok(())
}

/// Which sessions of a user.
#[derive(Clone, Copy)]
enum Which {
    All,
    AllBut(SessionId),
    One(SessionId),
}

/// The access tokens that an event revokes.
#[derive(Default)]
pub(super) struct EndedTokens {
    /// The number of active sessions that ended.
    pub(super) sessions: u64,
    /// When the last of these access tokens expires.
    last_access: Option<Timestamp>,
}

impl EndedTokens {
    pub(super) fn of(rows: &[EndedRow], generation: Generation, now: Timestamp) -> Self {
        let active = |row: &&EndedRow| row.is_live(generation, now);
        Self {
            sessions: rows.iter().filter(active).count() as u64,
            last_access: rows.iter().map(|row| row.access_until.0).max(),
        }
    }

    fn join(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.last_access = self.last_access.max(other.last_access);
    }
}

/// Ends the sessions that have not ended. That includes expired ones, since they may still be active by another node's clock.
fn end_active_sessions(c: &mut Conn, progress: &Progress<'_>, which: Which) -> Result<EndedTokens, Fault> {
    use sessions as s;
    let (before, now) = (progress.before, progress.context.now);
    let theirs = s::table.filter(s::user_id.eq(Id(before.id.as_uuid())).and(s::ended_at.is_null()));
    let end = (
        s::ended_at.eq(Some(Ts(now))),
        s::end_reason.eq(Some(progress.ending.why.as_str())),
    );
    let rows: Vec<EndedRow> = match which {
        Which::All => diesel::update(theirs)
            .set(end)
            .returning(EndedRow::as_returning())
            .prepared()
            .get_results(c)?,
        Which::AllBut(spare) => diesel::update(theirs.filter(s::id.ne(Id(spare.as_uuid()))))
            .set(end)
            .returning(EndedRow::as_returning())
            .prepared()
            .get_results(c)?,
        Which::One(one) => diesel::update(theirs.filter(s::id.eq(Id(one.as_uuid()))))
            .set(end)
            .returning(EndedRow::as_returning())
            .prepared()
            .get_results(c)?,
    };
    Ok(EndedTokens::of(&rows, before.generation, now))
}

/// Carries the sessions that have not ended over to the user's new generation: their refresh tokens stay valid. Sessions below the
/// previous generation are left out: an earlier event has ended them.
fn carry_sessions_over(c: &mut Conn, progress: &Progress<'_>, which: Which) -> Result<EndedTokens, Fault> {
    use sessions as s;
    let theirs = s::table
        .filter(
            s::user_id
                .eq(Id(progress.before.id.as_uuid()))
                .and(s::ended_at.is_null()),
        )
        .filter(s::generation.ge(progress.before.generation.number()));
    let carry = s::generation.eq(progress.generation.number());
    let rows: Vec<EndedRow> = match which {
        Which::All => diesel::update(theirs)
            .set(carry)
            .returning(EndedRow::as_returning())
            .prepared()
            .get_results(c)?,
        Which::AllBut(but) => diesel::update(theirs.filter(s::id.ne(Id(but.as_uuid()))))
            .set(carry)
            .returning(EndedRow::as_returning())
            .prepared()
            .get_results(c)?,
        Which::One(one) => diesel::update(theirs.filter(s::id.eq(Id(one.as_uuid()))))
            .set(carry)
            .returning(EndedRow::as_returning())
            .prepared()
            .get_results(c)?,
    };
    Ok(EndedTokens {
        sessions: 0,
        last_access: rows.iter().map(|row| row.access_until.0).max(),
    })
}

/// Records that a user's tokens below a generation are revoked.
pub(super) fn record_user_revocation(
    c: &mut Conn,
    id: UserId,
    least: Generation,
    tokens: &EndedTokens,
    effects: &mut SideEffects<'_>,
) -> Result<(), Fault> {
    let context = effects.context;
    let last = tokens.last_access.map(|expiry| after(expiry, context.grace));
    let until = last.map_or(context.until_at_least, |last| last.max(context.until_at_least));
    let what = Revoked::User(id, least);
    effects.revoke(c, Revocation { what, until })
}

fn end_api_keys(c: &mut Conn, user: UserId) -> Result<(), Fault> {
    let theirs = api_keys::table.filter(api_keys::user_id.eq(Id(user.as_uuid())));
    let _ended: Vec<Id> = diesel::delete(theirs)
        .returning(api_keys::id)
        .prepared()
        .get_results(c)?;
    Ok(())
}

/// Voids the mailed links of a kind, and removes the waiting mails that would contain one.
fn end_links(c: &mut Conn, user: UserId, kind: TokenKind) -> Result<(), Fault> {
    use outbox as o;
    void(c, user, &[kind])?;
    for mail in MailKind::ALL
        .into_iter()
        .filter(|mail| mail.link().map(Link::token) == Some(kind))
    {
        let waiting = o::table
            .filter(o::user_id.eq(Some(Id(user.as_uuid()))))
            .filter(o::done_at.is_null())
            .filter(o::kind.eq(mail.as_str()));
        let _dropped: Vec<Id> = diesel::delete(waiting)
            .returning(o::id)
            .prepared()
            .get_results(c)?;
    }
    Ok(())
}

/// Voids the mailed links of kinds that only a newer version knows, and removes the waiting mails that would contain one. An event that
/// ends all links ends these, too.
fn end_newer_links(c: &mut Conn, user: UserId) -> Result<(), Fault> {
    use one_time_tokens as t;
    use outbox as o;
    let newer = t::table
        .filter(t::user_id.eq(Some(Id(user.as_uuid()))))
        .filter(t::kind.ne_all(TokenKind::ALL.map(TokenKind::as_str)));
    let _voided: Vec<Id> = diesel::delete(newer).returning(t::id).get_results(c)?;
    let waiting = o::table
        .filter(o::user_id.eq(Some(Id(user.as_uuid()))))
        .filter(o::done_at.is_null())
        .filter(o::kind.ne_all(MailKind::ALL.map(MailKind::as_str)));
    let _dropped: Vec<Id> = diesel::delete(waiting).returning(o::id).get_results(c)?;
    Ok(())
}

fn end_reports_since(c: &mut Conn, user: UserId, moment: Timestamp) -> Result<(), Fault> {
    use one_time_tokens as t;
    let newer = t::table
        .filter(t::user_id.eq(Some(Id(user.as_uuid()))))
        .filter(t::kind.eq(TokenKind::Report.as_str()))
        .filter(t::created_at.ge(Ts(moment)));
    let _voided: Vec<Id> = diesel::delete(newer).returning(t::id).prepared().get_results(c)?;
    Ok(())
}
