//! The setup token. The rule: of any number of concurrent callers, exactly one creates the first administrator.

use super::{
    Conn, lock_guard,
    one_time_tokens::consume,
    side_effects::{AuditEntry, AuditWriter},
    transaction, transaction_or_rollback,
    user_changes::ADMINISTRATORS,
    users::{any_administrator, insert_if_free},
};
use crate::{
    context::ChangeContext,
    fault::{Fault, Rollback},
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
    context: &ChangeContext,
) -> Result<TokenIssue, Fault> {
    use one_time_tokens as t;
    transaction(c, |c| {
        lock_guard(c, ADMINISTRATORS)?;
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
        AuditWriter::of(context).audit(c, AuditEntry::of(Action::SetupTokenIssued))?;
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
    context: &ChangeContext,
) -> Result<Outcome, Fault> {
    transaction_or_rollback(c, |c| {
        lock_guard(c, ADMINISTRATORS)?;
        if any_administrator(c, administrators, None)? {
            return Err(Rollback::refused(Outcome::Closed));
        }
        if consume(c, TokenKind::Setup, digest, context.now)?.is_none() {
            return Err(Rollback::refused(Outcome::InvalidToken));
        }
        let Some(created) = insert_if_free(c, user, Some(Ts(session.created_at)))? else {
            return Err(Rollback::refused(Outcome::EmailTaken));
        };
        diesel::insert_into(sessions::table)
            .values(SessionRow::of(session))
            .execute(c)?;
        let entry = AuditEntry::of(Action::SetUp)
            .by_subject(created.id)
            .session(session.id);
        AuditWriter::of(context).audit(c, entry)?;
        Ok(Outcome::Created(created))
    })
}
