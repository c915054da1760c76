//! The set-up token: of any number of callers, one makes the first administrator.

use super::{
    Conn,
    user_changes::take_guard,
    users::{any_administrator, insert_if_free},
    whole, whole_or_undone,
};
use crate::{
    asks::{NewUser, SetupToken},
    fault::{Fault, Undo},
    outcomes::{SetupOutcome, SetupTokenIssue},
    rows::{SessionRow, SetupTokenRow},
    schema::{one_time_tokens, sessions},
    sqlty::{Id, Ts},
};
use auth_domain::{role::Role, session::Session, time::Timestamp};
use diesel::prelude::*;

/// Stores a set-up token, unless there is an administrator, or a live token that is not to be replaced.
pub(crate) fn issue_setup(
    c: &mut Conn,
    token: &SetupToken,
    administrators: &[Role],
    replace: bool,
) -> Result<SetupTokenIssue, Fault> {
    use one_time_tokens as t;
    whole(c, |c| {
        take_guard(c)?;
        if any_administrator(c, administrators, None)? {
            return Ok(SetupTokenIssue::AdministratorExists);
        }
        let unused = t::table
            .filter(t::kind.eq(SetupTokenRow::KIND))
            .filter(t::used_at.is_null());
        if replace {
            diesel::delete(unused).execute(c)?;
        } else {
            let live = unused
                .filter(t::expires_at.gt(Ts(token.created_at)))
                .select(t::id);
            if live.first::<Id>(c).optional()?.is_some() {
                return Ok(SetupTokenIssue::AlreadyLive);
            }
        }
        diesel::insert_into(t::table)
            .values(SetupTokenRow::of(token))
            .execute(c)?;
        Ok(SetupTokenIssue::Issued)
    })
}

/// Uses a set-up token up and makes the first administrator with it, signed in.
pub(crate) fn redeem_setup(
    c: &mut Conn,
    digest: &[u8; 32],
    user: &NewUser,
    session: &Session,
    administrators: &[Role],
    now: Timestamp,
) -> Result<SetupOutcome, Fault> {
    use one_time_tokens as t;
    whole_or_undone(c, |c| {
        take_guard(c)?;
        if any_administrator(c, administrators, None)? {
            return Err(Undo::with(SetupOutcome::Closed));
        }
        let good = t::table
            .filter(t::digest.eq(digest.as_slice()))
            .filter(t::kind.eq(SetupTokenRow::KIND))
            .filter(t::used_at.is_null())
            .filter(t::expires_at.gt(Ts(now)));
        if diesel::update(good)
            .set(t::used_at.eq(Some(Ts(now))))
            .execute(c)?
            != 1
        {
            return Err(Undo::with(SetupOutcome::InvalidToken));
        }
        let Some(made) = insert_if_free(c, user, Some(Ts(session.created_at)))? else {
            return Err(Undo::with(SetupOutcome::EmailTaken));
        };
        diesel::insert_into(sessions::table)
            .values(SessionRow::of(session))
            .execute(c)?;
        Ok(SetupOutcome::Created(made))
    })
}
