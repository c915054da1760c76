//! One-time tokens: stored as digests, found, used up once, voided. What they do is elsewhere (`links`, `setup`).

use super::{
    Conn,
    hold::hold,
    notes::{Note, Notes, Post, SideEffects},
    whole,
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

/// Looks a token up without using it.
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

/// Uses a token up. `None`: there is none that holds.
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

/// Stores a token and queues the mail that carries it; the older ones of its kind are void, if the kind says so.
pub(super) fn send(
    c: &mut Conn,
    user: UserId,
    mailed: &Mailed,
    post: Post,
    effects: &mut SideEffects<'_>,
) -> Result<(), Fault> {
    if mailed.token.kind.voids_older() {
        void(c, user, &[mailed.token.kind])?;
    }
    store(c, &mailed.token, Some(user))?;
    effects.mail_as(c, mailed.mail, post)
}

/// Stores a token of a user, or one whose user is yet to be found.
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

/// Whether a registration of this user waits for its address, or did.
pub(super) fn awaits_verification(c: &mut Conn, user: UserId) -> Result<bool, Fault> {
    use one_time_tokens as t;
    let pending = t::table
        .filter(t::user_id.eq(Some(Id(user.as_uuid()))))
        .filter(t::kind.eq(TokenKind::EmailVerification.as_str()))
        .filter(t::password_hash.is_not_null())
        .select(t::id);
    Ok(!has_password(c, user)? && pending.first::<Id>(c).optional()?.is_some())
}

/// Stores the token that a mail is about to carry, and voids those of its kind and user that were asked for before. False: it is
/// void, because a newer one was asked for or, for a reset, the password was set meanwhile, or the user is gone. A reset that was
/// asked for by address is noted now, when it is known whose it is: that is what `terms` are for.
pub(crate) fn issue(
    c: &mut Conn,
    token: &New,
    user: UserId,
    terms: Option<&ChangeContext>,
) -> Result<bool, Fault> {
    use one_time_tokens as t;
    whole(c, |c| {
        // The row is held: of two mails that are sent at the same time, each sees what the other stored.
        let Some(holder) = hold(c, user)? else {
            return Ok(false);
        };
        let again = t::table
            .filter(t::digest.eq(token.digest.as_slice()))
            .select(t::id)
            .first::<Id>(c)
            .optional()?;
        if again.is_some() {
            // A further attempt at the same mail.
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
        if let Some(terms) = terms {
            Notes::of(terms).audit(c, Note::of(Action::PasswordResetRequested).about(user))?;
        }
        Ok(true)
    })
}

/// Removes tokens past their time.
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
