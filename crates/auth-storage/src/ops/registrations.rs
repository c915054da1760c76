//! Registrations that wait for their address to be confirmed, and confirmation links that were requested by email address.
//!
//! The rule: a request writes the same rows for every address (docs/rules.md §8). Which user has the address is decided only when the
//! mail is about to be sent, so no caller learns it from an answer or its timing.

use super::{
    Conn, committed,
    one_time_tokens::{awaits_verification, has_password, store},
    side_effects::{AuditEntry, AuditWriter, OutboxMail},
    transaction,
    user_lock::lock_user,
    users::{insert_if_free, user_by_email},
};
use crate::{
    committed::Committed,
    context::ChangeContext,
    fault::{Fault, corrupt},
    one_time_tokens::{Mailed as MailedToken, New as NewToken, Pending, TokenRow},
    registrations::VerificationMail,
    schema::{one_time_tokens, users},
    sqlty::{Id, Ts},
    users::New as NewUser,
};
use auth_domain::{
    audit::Action,
    email::EmailAddress,
    ids::UserId,
    mail::MailKind,
    one_time::TokenKind,
    password_hash::PasswordHash,
    user::{User, UserStatus},
};
use diesel::prelude::*;

/// Queues a registration: the token that stores its password and name, and the mail with its link. The token gets its user when the mail
/// is sent.
pub(crate) fn register_pending(
    c: &mut Conn,
    email: &EmailAddress,
    mailed: &MailedToken,
    context: &ChangeContext,
) -> Result<Committed<()>, Fault> {
    committed(c, context, |c, effects| {
        store(c, &mailed.token, None)?;
        let mail = OutboxMail::to_address(email.as_str(), MailKind::EmailVerification);
        effects.mail_as(c, mailed.mail, mail)
    })
}

/// Decides what a confirmation mail that was requested by email address says, and assigns its token to a user. A second call for the same
/// mail decides the same. If the mail belongs to a registration whose address is free, `user` is created.
pub(crate) fn decide_verification_mail(
    c: &mut Conn,
    token: &NewToken,
    user: &NewUser,
    context: &ChangeContext,
) -> Result<VerificationMail, Fault> {
    use one_time_tokens as t;
    transaction(c, |c| {
        let stored: Option<(Option<Id>, Option<Ts>)> = t::table
            .filter(t::digest.eq(token.digest.as_slice()))
            .select((t::user_id, t::used_at))
            .first(c)
            .optional()?;
        match stored {
            Some((Some(of), _)) => Ok(VerificationMail::Confirm(UserId::from_uuid(of.0))),
            Some((None, refused)) => decide_registration_mail(c, token, user, refused.is_some(), context),
            None => send_again(c, token, &user.email),
        }
    })
}

fn decide_registration_mail(
    c: &mut Conn,
    token: &NewToken,
    user: &NewUser,
    refused: bool,
    context: &ChangeContext,
) -> Result<VerificationMail, Fault> {
    use one_time_tokens as t;
    let mine = t::table.filter(t::digest.eq(token.digest.as_slice()));
    let created = if refused {
        None
    } else {
        insert_if_free(c, user, None)?
    };
    let is_new = created.is_some();
    let holder = match created {
        Some(created) => Some(created),
        None => lock_user_by_address(c, &user.email)?,
    };
    // The user was deleted at this moment, so no mail is sent.
    let Some(holder) = holder else {
        return Ok(VerificationMail::Nothing);
    };
    // An account that was created in another way (by an administrator, by an import) gets no password from a registration.
    let may_wait = !refused && is_unconfirmed(&holder);
    if may_wait && (is_new || awaits_verification(c, holder.id)?) {
        diesel::update(mine)
            .set(t::user_id.eq(Some(Id(holder.id.as_uuid()))))
            .execute(c)?;
        let entry = AuditEntry::of(Action::Registered).with("verified", false);
        AuditWriter::of(context).audit(c, entry.about(holder.id))?;
        return Ok(VerificationMail::Confirm(holder.id));
    }
    if !refused {
        // The token is kept until it expires, so that a second attempt to send the same mail decides the same.
        diesel::update(mine)
            .set(t::used_at.eq(Some(Ts(context.now))))
            .execute(c)?;
        AuditWriter::of(context).audit(c, AuditEntry::of(Action::RegistrationRefused).about(holder.id))?;
    }
    Ok(VerificationMail::AlreadyRegistered(holder.id))
}

/// Issues a further link for an address that is not confirmed. The new link also completes a registration that waits for it.
fn send_again(c: &mut Conn, token: &NewToken, email: &EmailAddress) -> Result<VerificationMail, Fault> {
    let Some(holder) = lock_user_by_address(c, email)?.filter(is_unconfirmed) else {
        return Ok(VerificationMail::Nothing);
    };
    let pending = if has_password(c, holder.id)? {
        None
    } else {
        newest_waiting(c, holder.id)?
    };
    let again = NewToken {
        email: Some(holder.email),
        pending,
        ..token.clone()
    };
    store(c, &again, Some(holder.id))?;
    Ok(VerificationMail::Confirm(holder.id))
}

fn newest_waiting(c: &mut Conn, user: UserId) -> Result<Option<Pending>, Fault> {
    use one_time_tokens as t;
    let row: Option<TokenRow> = t::table
        .filter(t::user_id.eq(Some(Id(user.as_uuid()))))
        .filter(t::kind.eq(TokenKind::EmailVerification.as_str()))
        .filter(t::password_hash.is_not_null())
        .order(t::created_at.desc())
        .select(TokenRow::as_select())
        .first(c)
        .optional()?;
    Ok(row
        .map(TokenRow::token)
        .transpose()?
        .and_then(|token| token.pending))
}

fn lock_user_by_address(c: &mut Conn, email: &EmailAddress) -> Result<Option<User>, Fault> {
    let Some(found) = user_by_email(c, email)? else {
        return Ok(None);
    };
    Ok(lock_user(c, found.id)?.map(|held| held.user))
}

fn is_unconfirmed(user: &User) -> bool {
    user.email_verified_at.is_none() && user.status == UserStatus::Active
}

/// The password of a registration that waits for this address to be confirmed: of the newest one, if there are several.
pub(crate) fn waiting_password(c: &mut Conn, email: &EmailAddress) -> Result<Option<PasswordHash>, Fault> {
    use one_time_tokens as t;
    let waiting = t::table
        .inner_join(users::table)
        .filter(users::email_key.eq(email.key()))
        .filter(users::email_verified_at.is_null())
        .filter(users::password_hash.is_null())
        .filter(t::kind.eq(TokenKind::EmailVerification.as_str()))
        .filter(t::password_hash.is_not_null())
        .order(t::created_at.desc())
        .select((t::id, t::password_hash.assume_not_null()));
    let found: Option<(Id, String)> = waiting.first(c).optional()?;
    found
        .map(|(id, hash)| {
            PasswordHash::parse(&hash).map_err(|_| corrupt("one_time_tokens", "password_hash", id.0))
        })
        .transpose()
}
