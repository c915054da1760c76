//! The panic button: every kind of credential that a user has ends in one transaction. The match below has no wildcard: a new
//! kind of credential does not compile until it says how it ends.

use super::{
    Conn,
    hold::take,
    notes::{Note, Notes, Post},
    user_changes::{Fallen, cut_off, end_live},
    whole,
};
use crate::{
    asks::Terms,
    fault::Fault,
    outcomes::UserOutcome,
    rows::UserRow,
    schema::{api_keys, one_time_tokens, outbox, users},
    sqlty::{Id, Ts},
};
use auth_domain::{
    audit::Action, credential::Credential, ids::UserId, mail::MailKind, one_time::TokenKind,
    revocation::Revocation, session::EndReason, time::Timestamp, user::User,
};
use diesel::prelude::*;

/// Locks a user out: it needs a reset to come back, and is told so.
pub(crate) fn lock_out(c: &mut Conn, id: UserId, terms: &Terms) -> Result<UserOutcome, Fault> {
    whole(c, |c| {
        let Some(user) = take(c, id, terms)? else {
            return Ok(UserOutcome::NotFound);
        };
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::UserLockedOut).about(id))?;
        notes.mail(c, Post::to(id, MailKind::LockedOut))?;
        let ended = end_everything(c, &user, EndReason::LockedOut, None, terms)?;
        Ok(UserOutcome::Changed {
            user: ended.user,
            revocations: ended.revocations,
            sessions_ended: ended.sessions,
        })
    })
}

/// What is left when everything has ended.
pub(super) struct Everything {
    /// The user after it.
    pub(super) user: User,
    /// What has to be announced.
    pub(super) revocations: Vec<Revocation>,
    /// How many live sessions ended.
    sessions: u64,
}

/// Ends all that a user, whose row is held, can act with; report links from before a moment may stay. The last writes of a
/// transaction.
pub(super) fn end_everything(
    c: &mut Conn,
    user: &User,
    why: EndReason,
    spare_reports_before: Option<Timestamp>,
    terms: &Terms,
) -> Result<Everything, Fault> {
    let mut fallen = Fallen::default();
    for credential in Credential::ALL {
        match credential {
            Credential::RefreshTokens => fallen = end_live(c, user, why, None, terms)?,
            Credential::Password => forget_password(c, user, terms)?,
            Credential::ApiKeys => forget_api_keys(c, user.id)?,
            Credential::MailedLinks => void_links(c, user, spare_reports_before)?,
            Credential::KnownDevices => {
                diesel::update(users::table.find(Id(user.id.as_uuid())))
                    .set(users::devices_from.eq(Some(Ts(terms.now))))
                    .execute(c)?;
            }
            // With the generation, below: the revocations are the last writes of a transaction.
            Credential::AccessTokens => {}
        }
    }
    let row: UserRow = diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set(users::token_generation.eq(users::token_generation + 1))
        .returning(UserRow::as_returning())
        .get_result(c)?;
    let user = row.user()?;
    let revocations = cut_off(c, user.id, user.generation, &fallen, terms)?;
    Ok(Everything {
        user,
        revocations,
        sessions: fallen.ended,
    })
}

/// Removes a user's API keys.
pub(super) fn forget_api_keys(c: &mut Conn, user: UserId) -> Result<(), Fault> {
    let theirs = api_keys::table.filter(api_keys::user_id.eq(Id(user.as_uuid())));
    diesel::delete(theirs).execute(c)?;
    Ok(())
}

fn forget_password(c: &mut Conn, user: &User, terms: &Terms) -> Result<(), Fault> {
    diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set((
            users::password_hash.eq(None::<String>),
            users::password_changed_at.eq(Some(Ts(terms.now))),
        ))
        .execute(c)?;
    Ok(())
}

/// Those that were mailed, and the mails that wait to carry one.
fn void_links(c: &mut Conn, user: &User, spare_reports_before: Option<Timestamp>) -> Result<(), Fault> {
    use one_time_tokens as t;
    use outbox as o;
    let theirs = t::table.filter(t::user_id.eq(Some(Id(user.id.as_uuid()))));
    match spare_reports_before {
        None => diesel::delete(theirs).execute(c)?,
        Some(moment) => {
            let older_reports = t::kind
                .eq(TokenKind::Report.as_str())
                .and(t::created_at.lt(Ts(moment)));
            diesel::delete(theirs.filter(diesel::dsl::not(older_reports))).execute(c)?
        }
    };
    let carrying: Vec<&str> = MailKind::ALL
        .into_iter()
        .filter(|kind| kind.carries_link())
        .map(MailKind::as_str)
        .collect();
    let waiting = o::table
        .filter(o::user_id.eq(Some(Id(user.id.as_uuid()))))
        .filter(o::done_at.is_null())
        .filter(o::kind.eq_any(carrying));
    diesel::delete(waiting).execute(c)?;
    Ok(())
}
