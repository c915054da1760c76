//! The setup token. The rule: of any number of concurrent callers, exactly one creates the first administrator.

use super::{
    Conn,
    notes::{Note, Notes},
    one_time_tokens::consume,
    take_guard,
    user_changes::ADMINISTRATORS,
    users::{any_administrator, insert_if_free},
    whole, whole_or_undone,
};
use crate::{
    context::ChangeContext,
    fault::{Fault, Undo},
    one_time_tokens::{New as NewToken, NewTokenRow},
    schema::{one_time_tokens, sessions},
    sessions::SessionRow,
    setup::{Outcome, TokenIssue},
    sqlty::{Id, Ts},
    users::New as NewUser,
};
use auth_domain::{audit::Action, one_time::TokenKind, role::Role, session::Session};
use diesel::prelude::*;

/// Stores a setup token, unless there is an administrator, or a valid token that is not to be replaced.
pub(crate) fn issue(
    c: &mut Conn,
    token: &NewToken,
    administrators: &[Role],
    replace: bool,
    terms: &ChangeContext,
) -> Result<TokenIssue, Fault> {
    use one_time_tokens as t;
    whole(c, |c| {
        take_guard(c, ADMINISTRATORS)?;
        if any_administrator(c, administrators, None)? {
            return Ok(TokenIssue::AdministratorExists);
        }
        let unused = t::table
            .filter(t::kind.eq(TokenKind::Setup.as_str()))
            .filter(t::used_at.is_null());
        if replace {
            diesel::delete(unused).execute(c)?;
        } else {
            let live = unused
                .filter(t::expires_at.gt(Ts(token.created_at)))
                .select(t::id);
            if live.first::<Id>(c).optional()?.is_some() {
                return Ok(TokenIssue::AlreadyLive);
            }
        }
        diesel::insert_into(t::table)
            .values(NewTokenRow::of(token, None))
            .execute(c)?;
        Notes::of(terms).audit(c, Note::of(Action::SetupTokenIssued))?;
        Ok(TokenIssue::Issued)
    })
}

/// Uses up a setup token and creates the first administrator, signed in.
pub(crate) fn redeem(
    c: &mut Conn,
    digest: &[u8; 32],
    user: &NewUser,
    session: &Session,
    administrators: &[Role],
    terms: &ChangeContext,
) -> Result<Outcome, Fault> {
    whole_or_undone(c, |c| {
        take_guard(c, ADMINISTRATORS)?;
        if any_administrator(c, administrators, None)? {
            return Err(Undo::with(Outcome::Closed));
        }
        if consume(c, TokenKind::Setup, digest, terms.now)?.is_none() {
            return Err(Undo::with(Outcome::InvalidToken));
        }
        let Some(made) = insert_if_free(c, user, Some(Ts(session.created_at)))? else {
            return Err(Undo::with(Outcome::EmailTaken));
        };
        diesel::insert_into(sessions::table)
            .values(SessionRow::of(session))
            .execute(c)?;
        let note = Note::of(Action::SetUp).by_itself(made.id).session(session.id);
        Notes::of(terms).audit(c, note)?;
        Ok(Outcome::Created(made))
    })
}
