//! One-time tokens: stored, found, used up and voided. The rule: a guarded update uses a token up, so it succeeds once. Their purposes
//! are in `links` and `setup`.

use super::{
    Conn,
    side_effects::{AuditEntry, AuditWriter, OutboxMail, SideEffects},
    transaction,
    user_lock::lock_user,
};
use crate::{
    context::ChangeContext,
    fault::Fault,
    one_time_tokens::{Mailed, New, NewTokenRow, Stored, TokenRow},
    prepared::Prepare as _,
    schema::{one_time_tokens, users},
    sqlty::{Id, Ts},
    sweep::Sweep,
};
use auth_domain::{audit::Action, ids::UserId, one_time::TokenKind, time::Timestamp};
use diesel::prelude::*;

/// Finds a valid token without using it up.
pub(crate) fn find(
    c: &mut Conn,
    kind: TokenKind,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Stored>, Fault> {
    use one_time_tokens as t;
    let row: Option<TokenRow> = t::table
        .filter(t::digest.eq(digest.as_slice()))
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::used_at.is_null())
        .filter(t::expires_at.gt(Ts(now)))
        .select(TokenRow::as_select())
        .first(c)
        .optional()?;
    row.map(TokenRow::token).transpose()
}

/// Uses up a token. `None`: there is no valid one.
pub(super) fn consume(
    c: &mut Conn,
    kind: TokenKind,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Stored>, Fault> {
    use one_time_tokens as t;
    let good = t::table
        .filter(t::digest.eq(digest.as_slice()))
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::used_at.is_null())
        .filter(t::expires_at.gt(Ts(now)));
    let row: Option<TokenRow> = diesel::update(good)
        .set(t::used_at.eq(Some(Ts(now))))
        .returning(TokenRow::as_returning())
        .get_result(c)
        .optional()?;
    row.map(TokenRow::token).transpose()
}

/// Voids a user's tokens of some kinds.
pub(super) fn void(c: &mut Conn, user: UserId, kinds: &[TokenKind]) -> Result<(), Fault> {
    use one_time_tokens as t;
    for kind in kinds {
        let theirs = t::table
            .filter(t::user_id.eq(Some(Id(user.as_uuid()))))
            .filter(t::kind.eq(kind.as_str()));
        let _voided: Vec<Id> = diesel::delete(theirs)
            .returning(t::id)
            .prepared()
            .get_results(c)?;
    }
    Ok(())
}

/// Stores a token and queues its mail. It voids the older tokens of the same kind, if the kind says so.
pub(super) fn send(
    c: &mut Conn,
    user: UserId,
    mailed: &Mailed,
    mail: OutboxMail,
    effects: &mut SideEffects<'_>,
) -> Result<(), Fault> {
    if mailed.token.kind.voids_older() {
        void(c, user, &[mailed.token.kind])?;
    }
    store(c, &mailed.token, Some(user))?;
    effects.mail_as(c, mailed.mail, mail)
}

/// Stores a token of a user, or one whose user is not known yet.
pub(super) fn store(c: &mut Conn, token: &New, user: Option<UserId>) -> Result<(), Fault> {
    diesel::insert_into(one_time_tokens::table)
        .values(NewTokenRow::of(token, user))
        .execute(c)?;
    Ok(())
}

/// Whether a user can sign in with a password.
pub(super) fn has_password(c: &mut Conn, user: UserId) -> Result<bool, Fault> {
    let with_one = users::table
        .find(Id(user.as_uuid()))
        .filter(users::password_hash.is_not_null())
        .select(users::id);
    Ok(with_one.first::<Id>(c).optional()?.is_some())
}

/// Whether a registration of this user waits for its address to be confirmed, even if its token has expired.
pub(super) fn awaits_verification(c: &mut Conn, user: UserId) -> Result<bool, Fault> {
    use one_time_tokens as t;
    let pending = t::table
        .filter(t::user_id.eq(Some(Id(user.as_uuid()))))
        .filter(t::kind.eq(TokenKind::EmailVerification.as_str()))
        .filter(t::password_hash.is_not_null())
        .select(t::id);
    Ok(!has_password(c, user)? && pending.first::<Id>(c).optional()?.is_some())
}

/// Stores the token of a mail that is about to be sent, and voids the user's older tokens of the same kind. `false`: the token is void,
/// because a newer one was requested, because the password has been set since a reset was requested, or because the user was deleted. With
/// `context`, a reset that was requested by email address is recorded in the audit log now that its user is known.
pub(crate) fn issue(
    c: &mut Conn,
    token: &New,
    user: UserId,
    context: Option<&ChangeContext>,
) -> Result<bool, Fault> {
    use one_time_tokens as t;
    transaction(c, |c| {
        // The row is locked: if two mails are sent at the same time, one of them sees the token of the other.
        let Some(holder) = lock_user(c, user)? else {
            return Ok(false);
        };
        let again = t::table
            .filter(t::digest.eq(token.digest.as_slice()))
            .select(t::id)
            .first::<Id>(c)
            .optional()?;
        if again.is_some() {
            // This is another attempt to send the same mail.
            return Ok(true);
        }
        let same = || {
            t::table
                .filter(t::user_id.eq(Some(Id(user.as_uuid()))))
                .filter(t::kind.eq(token.kind.as_str()))
        };
        let changed = holder
            .password_changed_at
            .filter(|_| token.kind == TokenKind::PasswordReset);
        if changed.is_some_and(|changed| changed > token.created_at) {
            return Ok(false);
        }
        if token.kind.voids_older() {
            let newer = same()
                .filter(t::created_at.gt(Ts(token.created_at)))
                .select(t::id);
            if newer.first::<Id>(c).optional()?.is_some() {
                return Ok(false);
            }
            diesel::delete(same()).execute(c)?;
        }
        diesel::insert_into(t::table)
            .values(NewTokenRow::of(token, Some(user)))
            .execute(c)?;
        if let Some(context) = context {
            AuditWriter::of(context).audit(c, AuditEntry::of(Action::PasswordResetRequested).about(user))?;
        }
        Ok(true)
    })
}

/// Removes expired tokens.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    use one_time_tokens as t;
    let lapsed: Vec<Id> = t::table
        .filter(t::expires_at.le(Ts(sweep.now)))
        .order(t::expires_at.asc())
        .limit(sweep.limit())
        .select(t::id)
        .load(c)?;
    Ok(diesel::delete(t::table.filter(t::id.eq_any(lapsed))).execute(c)? as u64)
}
