//! What mailed links do. The rule: each link is a one-time token, and a guarded update uses it up in the transaction that carries out its
//! purpose. So of any number of concurrent callers, exactly one succeeds.

use super::{
    Conn, committed_or_refused,
    endings::{Ending, end_credentials},
    one_time_tokens::{consume, find, send, void},
    side_effects::{AuditEntry, OutboxMail, SideEffects},
    user_lock::lock_user_for_change,
    users::credentials_of,
};
use crate::{
    committed::Committed,
    context::{ChangeContext, Refused},
    fault::{Fault, Rollback},
    links::{NotRedeemed, Redeemed},
    one_time_tokens::{Mailed as MailedToken, Pending, Stored as StoredToken},
    schema::users,
    sqlty::{Id, Ts},
    users::{UserRow, name_columns},
};
use auth_domain::{
    address_link::{
        Confirmation, LinkProof, Verification, VerificationFacts, change_is_proved, verification,
    },
    audit::{Action, Actor},
    credential::SecurityEvent,
    email::EmailAddress,
    ids::{SessionId, UserId},
    mail::MailKind,
    one_time::TokenKind,
    password_hash::PasswordHash,
    session::EndReason,
    user::{User, UserStatus},
};
use diesel::prelude::*;

/// Queues the mail with the link that verifies a user's address.
pub(crate) fn mail_verification(
    c: &mut Conn,
    id: UserId,
    mailed: &MailedToken,
    context: &ChangeContext,
) -> Result<Result<Committed<()>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        lock_user_for_change(c, id, context)?;
        let mail = OutboxMail::to(id, MailKind::EmailVerification);
        Ok(send(c, id, mailed, mail, effects)?)
    })
}

/// Queues a mail with a reset link for a user. Its token is created when the mail is sent.
pub(crate) fn mail_reset(
    c: &mut Conn,
    id: UserId,
    context: &ChangeContext,
) -> Result<Result<Committed<()>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        lock_user_for_change(c, id, context)?;
        effects.audit(c, AuditEntry::of(Action::PasswordResetRequested).about(id))?;
        Ok(effects.mail(c, OutboxMail::to(id, MailKind::PasswordReset))?)
    })
}

/// Queues a mail that asks the new address to confirm, and one that notifies the old address.
pub(crate) fn ask_for_new_email(
    c: &mut Conn,
    id: UserId,
    new: &EmailAddress,
    mailed: &MailedToken,
    context: &ChangeContext,
) -> Result<Result<Committed<()>, Refused>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let user = lock_user_for_change(c, id, context)?;
        let confirm = OutboxMail::to(id, MailKind::EmailChangeConfirm).at(new);
        send(c, id, mailed, confirm, effects)?;
        let notice = OutboxMail::to(id, MailKind::EmailChangeRequested);
        effects.mail(c, notice.with("new_email", address_for_notice(&user, new)))?;
        Ok(effects.audit(c, AuditEntry::of(Action::EmailChangeRequested).about(id))?)
    })
}

/// Sets a new password by a reset link. This confirms the address, since the link was sent there.
pub(crate) fn reset_password(
    c: &mut Conn,
    digest: &[u8; 32],
    hash: &PasswordHash,
    context: &ChangeContext,
) -> Result<Result<Committed<Redeemed>, NotRedeemed>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let (token, mut user) = redeem(c, TokenKind::PasswordReset, digest, context)?;
        if !bound_to(&token, &user.email) {
            return Err(Rollback::refused(NotRedeemed::InvalidToken));
        }
        // This is a first confirmation, too, so the name that the account's creator chose is removed. An invited user has no password yet,
        // and keeps the name that the administrator chose.
        if user.email_verified_at.is_none() && password_of(c, user.id)?.is_some() {
            user.name = None;
            set_name(c, &user)?;
        }
        confirm(c, &user, context)?;
        effects.audit(c, AuditEntry::of(Action::PasswordReset).by_subject(user.id))?;
        effects.mail(c, OutboxMail::to(user.id, MailKind::PasswordChanged))?;
        let ending = Ending::of(SecurityEvent::PasswordReset, EndReason::PasswordChanged);
        finish(c, &user, &ending.with_password(hash), effects)
    })
}

/// Confirms that an address belongs to its user. The first confirmation ends the credentials of the account's creator: the link proves
/// who owns the mailbox, but not that the owner created the account. It completes a registration that waited for it.
pub(crate) fn verify_email(
    c: &mut Conn,
    digest: &[u8; 32],
    proof: &LinkProof<PasswordHash>,
    context: &ChangeContext,
) -> Result<Result<Committed<Redeemed>, NotRedeemed>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let (token, mut user) = redeem(c, TokenKind::EmailVerification, digest, context)?;
        if !bound_to(&token, &user.email) {
            return Err(Rollback::refused(NotRedeemed::InvalidToken));
        }
        let stored = password_of(c, user.id)?;
        if token.pending.is_some() && (user.email_verified_at.is_some() || stored.is_some()) {
            // The account has got a password in another way since.
            return Err(Rollback::refused(NotRedeemed::InvalidToken));
        }
        let confirmed = AuditEntry::of(Action::EmailVerified).by_subject(user.id);
        let own = own_session(&user, context);
        let facts = VerificationFacts {
            confirmed: user.email_verified_at.is_some(),
            waiting: token.pending.is_some(),
            in_session: own.is_some(),
        };
        let registered = token.pending.as_ref().map(|pending| &pending.password_hash);
        let by = match verification(facts, still_valid(proof, registered.or(stored.as_ref()))) {
            Verification::ProofNeeded => return Err(Rollback::refused(NotRedeemed::ProofNeeded)),
            Verification::Already => {
                void(c, user.id, &[TokenKind::EmailVerification])?;
                effects.audit(c, confirmed)?;
                return Ok(Redeemed { user, event: None });
            }
            Verification::Confirm(by) => by,
        };
        let ending = match by {
            Confirmation::InSession => Ending::of(by.event(), EndReason::EndedByUser).in_session(own),
            Confirmation::WithPassword => {
                if let Some(pending) = &token.pending {
                    complete_registration(c, &user, pending, context)?;
                }
                Ending::of(by.event(), EndReason::LogoutAll)
            }
            Confirmation::WithNewPassword(new) => {
                // The account's creator chose the name, too, and mails would greet the owner with it.
                user.name = None;
                set_name(c, &user)?;
                Ending::of(by.event(), EndReason::PasswordChanged).with_password(new)
            }
        };
        confirm(c, &user, context)?;
        effects.audit(c, confirmed.with("by", by.as_str()))?;
        finish(c, &user, &ending, effects)
    })
}

/// Changes the address to the confirmed one, and notifies the old one. The link alone is not enough: the person who opens it may not be
/// the user who requested the change.
pub(crate) fn change_email(
    c: &mut Conn,
    digest: &[u8; 32],
    proof: &LinkProof<PasswordHash>,
    context: &ChangeContext,
) -> Result<Result<Committed<Redeemed>, NotRedeemed>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let (token, user) = redeem(c, TokenKind::EmailChange, digest, context)?;
        let Some(email) = token.email else {
            return Err(Rollback::refused(NotRedeemed::InvalidToken));
        };
        let stored = password_of(c, user.id)?;
        let proof = still_valid(proof, stored.as_ref());
        let proved = change_is_proved(own_session(&user, context).is_some(), proof);
        if !proved {
            return Err(Rollback::refused(NotRedeemed::ProofNeeded));
        }
        let after = set_address(c, &user, &email, context)?;
        effects.audit(c, AuditEntry::of(Action::EmailChanged).by_subject(user.id))?;
        let notice = OutboxMail::to(user.id, MailKind::EmailChanged).at(&user.email);
        effects.mail(
            c,
            notice.with("new_email", address_for_notice(&user, &after.email)),
        )?;
        let ending = Ending::of(SecurityEvent::AddressChanged, EndReason::EmailChanged);
        finish(c, &user, &ending, effects)
    })
}

/// "This was not me": ends every credential. If the address has been changed, it restores the one that the link was sent to, unless
/// another user has it. Report links from before stay valid: of several addresses the earliest is the owner's, so an attacker who reports
/// a later notice can't void the owner's link.
pub(crate) fn report(
    c: &mut Conn,
    digest: &[u8; 32],
    context: &ChangeContext,
) -> Result<Result<Committed<Redeemed>, NotRedeemed>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let (token, user) = redeem(c, TokenKind::Report, digest, context)?;
        let mut reported = AuditEntry::of(Action::Reported).by_subject(user.id);
        let mut notice = OutboxMail::to(user.id, MailKind::Reported);
        match token.email.filter(|old| old.key() != user.email.key()) {
            Some(old) if another_user_has(c, &user, &old)? => {
                // An attacker must not be able to keep the account by registering its old address.
                reported = reported.with("restored", false);
                notice = notice.at(&old);
            }
            Some(old) => {
                set_address(c, &user, &old, context)?;
                let changed = AuditEntry::of(Action::EmailChanged).by_subject(user.id);
                effects.audit(c, changed.with("restored", true))?;
            }
            None => {}
        }
        effects.audit(c, reported)?;
        effects.mail(c, notice)?;
        let ending = Ending::of(SecurityEvent::Reported, EndReason::Reported);
        finish(
            c,
            &user,
            &ending.sparing_reports_before(token.created_at),
            effects,
        )
    })
}

/// The session in which the link was opened, if it belongs to this user. [`lock_user_for_change`] has checked that it is still active.
fn own_session(user: &User, context: &ChangeContext) -> Option<SessionId> {
    context
        .by
        .session()
        .filter(|_| context.by.actor == Actor::User(user.id))
}

/// The part of the proof that is still valid: a password that was changed after it was verified proves nothing.
fn still_valid<'a>(
    proof: &'a LinkProof<PasswordHash>,
    current: Option<&PasswordHash>,
) -> LinkProof<&'a PasswordHash> {
    match proof {
        LinkProof::Password(verified) if same(current, verified) => LinkProof::Password(verified),
        LinkProof::LinkAlone | LinkProof::Password(_) => LinkProof::LinkAlone,
        LinkProof::NewPassword(new) => LinkProof::NewPassword(new),
    }
}

fn password_of(c: &mut Conn, user: UserId) -> Result<Option<PasswordHash>, Fault> {
    Ok(credentials_of(c, user)?.and_then(|credentials| credentials.password_hash))
}

/// Whether the stored hash is still the one that was verified.
fn same(stored: Option<&PasswordHash>, verified: &PasswordHash) -> bool {
    stored.is_some_and(|stored| stored.expose() == verified.expose())
}

/// Marks the user's address as confirmed.
fn confirm(c: &mut Conn, user: &User, context: &ChangeContext) -> Result<(), Fault> {
    let unconfirmed = users::table
        .find(Id(user.id.as_uuid()))
        .filter(users::email_verified_at.is_null());
    diesel::update(unconfirmed)
        .set(users::email_verified_at.eq(Some(Ts(context.now))))
        .execute(c)?;
    Ok(())
}

fn set_name(c: &mut Conn, user: &User) -> Result<(), Fault> {
    let (name, key) = name_columns(user.name.as_ref());
    diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set((users::name.eq(name), users::name_key.eq(key)))
        .execute(c)?;
    Ok(())
}

/// Sets the password and the name of a registration.
fn complete_registration(
    c: &mut Conn,
    user: &User,
    pending: &Pending,
    context: &ChangeContext,
) -> Result<(), Fault> {
    let (name, key) = name_columns(pending.name.as_ref());
    diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set((
            users::password_hash.eq(Some(pending.password_hash.expose())),
            users::password_changed_at.eq(Some(Ts(context.now))),
            users::name.eq(name),
            users::name_key.eq(key),
        ))
        .execute(c)?;
    Ok(())
}

/// Uses up a token, and locks the row of its user. A disabled user can't use links. The user's row is locked before the token's, as in
/// sign-ins and changes that void tokens: in the opposite order, the transactions could wait for each other.
fn redeem(
    c: &mut Conn,
    kind: TokenKind,
    digest: &[u8; 32],
    context: &ChangeContext,
) -> Result<(StoredToken, User), Rollback<NotRedeemed>> {
    let invalid = || Rollback::refused(NotRedeemed::InvalidToken);
    let found = find(c, kind, digest, context.now)?.ok_or_else(invalid)?;
    let owner = found.user.ok_or_else(invalid)?;
    let user = lock_user_for_change(c, owner, context)?;
    let token = consume(c, kind, digest, context.now)?.ok_or_else(invalid)?;
    if user.status == UserStatus::Active {
        Ok((token, user))
    } else {
        Err(invalid())
    }
}

/// The new address, for the notice to the old one. A notice to an unconfirmed address leaves it out, since a stranger may have chosen it
/// (docs/rules.md §5).
fn address_for_notice<'a>(user: &User, new: &'a EmailAddress) -> Option<&'a EmailAddress> {
    user.email_verified_at.is_some().then_some(new)
}

fn bound_to(token: &StoredToken, email: &EmailAddress) -> bool {
    token
        .email
        .as_ref()
        .is_some_and(|bound| bound.key() == email.key())
}

fn another_user_has(c: &mut Conn, user: &User, email: &EmailAddress) -> Result<bool, Fault> {
    let other = users::table
        .filter(users::email_key.eq(email.key()))
        .filter(users::id.ne(Id(user.id.as_uuid())))
        .select(users::id);
    Ok(other.first::<Id>(c).optional()?.is_some())
}

/// Changes a user's address, unless another user has it.
fn set_address(
    c: &mut Conn,
    user: &User,
    email: &EmailAddress,
    context: &ChangeContext,
) -> Result<User, Rollback<NotRedeemed>> {
    if another_user_has(c, user, email)? {
        return Err(Rollback::refused(NotRedeemed::EmailTaken));
    }
    let change = (
        users::email.eq(email.as_str()),
        users::email_key.eq(email.key()),
        users::email_verified_at.eq(Some(Ts(context.now))),
    );
    let row: Result<UserRow, _> = diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set(change)
        .returning(UserRow::as_returning())
        .get_result(c);
    match row {
        Ok(row) => Ok(UserRow::user(row)?),
        // Another user took it meanwhile.
        Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
            Err(Rollback::refused(NotRedeemed::EmailTaken))
        }
        Err(error) => Err(error.into()),
    }
}

fn finish(
    c: &mut Conn,
    before: &User,
    ending: &Ending<'_>,
    effects: &mut SideEffects<'_>,
) -> Result<Redeemed, Rollback<NotRedeemed>> {
    let ended = end_credentials(c, before, ending, effects)?;
    Ok(Redeemed {
        user: ended.user,
        event: Some(ending.event()),
    })
}
