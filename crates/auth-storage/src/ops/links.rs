//! What mailed links do. Each is a one-time token: it is used up by a guarded update in the transaction of what it does, so of
//! any number of callers one does it.

use super::{
    Conn,
    hold::take,
    lock_out::{Everything, end_everything, forget_api_keys},
    notes::{Note, Notes, Post},
    one_time_tokens::{consume, find, has_password, send, void},
    user_changes::{Fallen, cut_off, end_live},
    whole, whole_or_undone,
};
use crate::{
    asks::{MailedToken, Terms},
    fault::{Fault, Undo},
    outcomes::{Redeemed, StoredToken},
    rows::{UserRow, name_columns},
    schema::users,
    sqlty::{Id, Ts},
};
use auth_domain::{
    audit::Action,
    email::EmailAddress,
    ids::UserId,
    mail::MailKind,
    one_time::TokenKind,
    password_hash::PasswordHash,
    revocation::Revocation,
    session::EndReason,
    user::{User, UserStatus},
};
use diesel::prelude::*;

/// Mails the link that verifies a user's address. False: there is no such user.
pub(crate) fn mail_verification(
    c: &mut Conn,
    id: UserId,
    mailed: &MailedToken,
    terms: &Terms,
) -> Result<bool, Fault> {
    whole(c, |c| {
        if take(c, id, terms)?.is_none() {
            return Ok(false);
        }
        let post = Post::to(id, MailKind::EmailVerification);
        send(c, id, mailed, post, &mut Notes::of(terms))?;
        Ok(true)
    })
}

/// Mails a reset link to a user; its token is made when it is sent. False: there is no such user.
pub(crate) fn mail_reset(c: &mut Conn, id: UserId, terms: &Terms) -> Result<bool, Fault> {
    whole(c, |c| {
        if take(c, id, terms)?.is_none() {
            return Ok(false);
        }
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::PasswordResetRequested).about(id))?;
        notes.mail(c, Post::to(id, MailKind::PasswordReset))?;
        Ok(true)
    })
}

/// Asks the new address of a user to confirm, and tells the old one. False: there is no such user.
pub(crate) fn ask_for_new_email(
    c: &mut Conn,
    id: UserId,
    new: &EmailAddress,
    mailed: &MailedToken,
    terms: &Terms,
) -> Result<bool, Fault> {
    whole(c, |c| {
        let Some(user) = take(c, id, terms)? else {
            return Ok(false);
        };
        let mut notes = Notes::of(terms);
        let confirm = Post::to(id, MailKind::EmailChangeConfirm).at(new);
        send(c, id, mailed, confirm, &mut notes)?;
        let notice = Post::to(id, MailKind::EmailChangeRequested);
        notes.mail(c, notice.with("new_email", told_of(&user, new)))?;
        notes.audit(c, Note::of(Action::EmailChangeRequested).about(id))?;
        Ok(true)
    })
}

/// Sets a new password for a reset link: every session ends, known devices are strangers, the owner is told.
pub(crate) fn reset_password(
    c: &mut Conn,
    digest: &[u8; 32],
    hash: &PasswordHash,
    terms: &Terms,
) -> Result<Redeemed, Fault> {
    whole_or_undone(c, |c| {
        let (token, user) = holder(c, TokenKind::PasswordReset, digest, terms)?;
        if !bound_to(&token, &user.email) {
            return Err(Undo::with(Redeemed::InvalidToken));
        }
        // Whoever reads the mail has the address.
        let verified = user.email_verified_at.unwrap_or(terms.now);
        let change = (
            users::password_hash.eq(Some(hash.expose())),
            users::password_changed_at.eq(Some(Ts(terms.now))),
            users::devices_from.eq(Some(Ts(terms.now))),
            users::email_verified_at.eq(Some(Ts(verified))),
            users::token_generation.eq(user.generation.raised().number()),
        );
        let after = UserRow::user(
            diesel::update(users::table.find(Id(user.id.as_uuid())))
                .set(change)
                .returning(UserRow::as_returning())
                .get_result(c)?,
        )?;
        void(
            c,
            user.id,
            &[
                TokenKind::PasswordReset,
                TokenKind::EmailVerification,
                // Whoever the owner shuts out may have asked for a new address.
                TokenKind::EmailChange,
            ],
        )?;
        // Whoever the owner shuts out may have made some.
        forget_api_keys(c, user.id)?;
        let fallen = end_live(c, &user, EndReason::PasswordChanged, None, terms)?;
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::PasswordReset).by_itself(user.id))?;
        notes.mail(c, Post::to(user.id, MailKind::PasswordChanged))?;
        done(c, after, &fallen, terms)
    })
}

/// Shows that an address is its user's; a registration that waited for it is complete.
pub(crate) fn verify_email(c: &mut Conn, digest: &[u8; 32], terms: &Terms) -> Result<Redeemed, Fault> {
    whole_or_undone(c, |c| {
        let (token, user) = holder(c, TokenKind::EmailVerification, digest, terms)?;
        if !bound_to(&token, &user.email) {
            return Err(Undo::with(Redeemed::InvalidToken));
        }
        if token.pending.is_some() && (user.email_verified_at.is_some() || has_password(c, user.id)?) {
            // The account got its password in another way meanwhile.
            return Err(Undo::with(Redeemed::InvalidToken));
        }
        void(c, user.id, &[TokenKind::EmailVerification])?;
        if user.email_verified_at.is_none() {
            // Whoever had the account before the owner of its address came keeps nothing that works without the password.
            forget_api_keys(c, user.id)?;
        }
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::EmailVerified).by_itself(user.id))?;
        let theirs = users::table.find(Id(user.id.as_uuid()));
        let Some(pending) = token.pending else {
            let verified = user.email_verified_at.unwrap_or(terms.now);
            let row = diesel::update(theirs)
                .set(users::email_verified_at.eq(Some(Ts(verified))))
                .returning(UserRow::as_returning())
                .get_result(c)?;
            return Ok(Redeemed::Done {
                user: UserRow::user(row)?,
                revocations: Vec::new(),
            });
        };
        let (name, key) = name_columns(pending.name.as_ref());
        let change = (
            users::email_verified_at.eq(Some(Ts(terms.now))),
            users::password_hash.eq(Some(pending.password_hash.expose())),
            users::password_changed_at.eq(Some(Ts(terms.now))),
            users::devices_from.eq(Some(Ts(terms.now))),
            users::name.eq(name),
            users::name_key.eq(key),
            users::token_generation.eq(user.generation.raised().number()),
        );
        let after = UserRow::user(
            diesel::update(theirs)
                .set(change)
                .returning(UserRow::as_returning())
                .get_result(c)?,
        )?;
        // Somebody else may have registered the address before: nothing of theirs stays.
        void(c, user.id, &[TokenKind::PasswordReset, TokenKind::EmailChange])?;
        let fallen = end_live(c, &user, EndReason::PasswordChanged, None, terms)?;
        done(c, after, &fallen, terms)
    })
}

/// Puts a confirmed address in force: every session ends, and the old address is told.
pub(crate) fn change_email(c: &mut Conn, digest: &[u8; 32], terms: &Terms) -> Result<Redeemed, Fault> {
    whole_or_undone(c, |c| {
        let (token, user) = holder(c, TokenKind::EmailChange, digest, terms)?;
        let Some(email) = token.email else {
            return Err(Undo::with(Redeemed::InvalidToken));
        };
        let after = move_to(c, &user, &email, terms)?;
        void(
            c,
            user.id,
            &[
                TokenKind::EmailChange,
                TokenKind::EmailVerification,
                TokenKind::PasswordReset,
            ],
        )?;
        forget_api_keys(c, user.id)?;
        let fallen = end_live(c, &user, EndReason::EmailChanged, None, terms)?;
        let mut notes = Notes::of(terms);
        notes.audit(c, Note::of(Action::EmailChanged).by_itself(user.id))?;
        let notice = Post::to(user.id, MailKind::EmailChanged).at(&user.email);
        notes.mail(c, notice.with("new_email", told_of(&user, &after.email)))?;
        done(c, after, &fallen, terms)
    })
}

/// "This was not me": everything ends, and the address that the link was mailed to comes back, if it is another one by now and no
/// other user has it. Report links from before stay: of several addresses the earliest is the owner's, so a thief who reports a
/// later notice can't take the owner's link away.
pub(crate) fn report(c: &mut Conn, digest: &[u8; 32], terms: &Terms) -> Result<Redeemed, Fault> {
    whole_or_undone(c, |c| {
        let (token, user) = holder(c, TokenKind::Report, digest, terms)?;
        let mut notes = Notes::of(terms);
        let mut reported = Note::of(Action::Reported).by_itself(user.id);
        let mut notice = Post::to(user.id, MailKind::Reported);
        let user = match token.email.filter(|old| old.key() != user.email.key()) {
            Some(old) if another_has(c, &user, &old)? => {
                // Whoever took the account over must not keep it by registering its old address.
                reported = reported.with("restored", false);
                notice = notice.at(&old);
                user
            }
            Some(old) => {
                let restored = move_to(c, &user, &old, terms)?;
                let changed = Note::of(Action::EmailChanged).by_itself(user.id);
                notes.audit(c, changed.with("restored", true))?;
                restored
            }
            None => user,
        };
        notes.audit(c, reported)?;
        notes.mail(c, notice)?;
        let spare = Some(token.created_at);
        let Everything {
            user, revocations, ..
        } = end_everything(c, &user, EndReason::Reported, spare, terms)?;
        Ok(Redeemed::Done { user, revocations })
    })
}

/// A token that is used up, and its user, whose row is held; whoever is disabled gets nothing done by mail. The user's row is
/// taken before the token's, as sign-ins and changes do that void tokens: the other way round, each would wait for the other.
fn holder(
    c: &mut Conn,
    kind: TokenKind,
    digest: &[u8; 32],
    terms: &Terms,
) -> Result<(StoredToken, User), Undo<Redeemed>> {
    let invalid = || Undo::with(Redeemed::InvalidToken);
    let found = find(c, kind, digest, terms.now)?.ok_or_else(invalid)?;
    let owner = found.user.ok_or_else(invalid)?;
    let user = take(c, owner, terms)?.ok_or_else(invalid)?;
    let token = consume(c, kind, digest, terms.now)?.ok_or_else(invalid)?;
    if user.status == UserStatus::Active {
        Ok((token, user))
    } else {
        Err(invalid())
    }
}

/// The new address, as far as the old one may be told: to an address that is not confirmed a mail carries nothing that a
/// stranger may have chosen (behaviour.md §5).
fn told_of<'a>(user: &User, new: &'a EmailAddress) -> Option<&'a EmailAddress> {
    user.email_verified_at.is_some().then_some(new)
}

fn bound_to(token: &StoredToken, email: &EmailAddress) -> bool {
    token
        .email
        .as_ref()
        .is_some_and(|bound| bound.key() == email.key())
}

fn another_has(c: &mut Conn, user: &User, email: &EmailAddress) -> Result<bool, Fault> {
    let other = users::table
        .filter(users::email_key.eq(email.key()))
        .filter(users::id.ne(Id(user.id.as_uuid())))
        .select(users::id);
    Ok(other.first::<Id>(c).optional()?.is_some())
}

/// Gives a user an address, unless another has it.
fn move_to(c: &mut Conn, user: &User, email: &EmailAddress, terms: &Terms) -> Result<User, Undo<Redeemed>> {
    if another_has(c, user, email)? {
        return Err(Undo::with(Redeemed::EmailTaken));
    }
    let change = (
        users::email.eq(email.as_str()),
        users::email_key.eq(email.key()),
        users::email_verified_at.eq(Some(Ts(terms.now))),
        users::token_generation.eq(user.generation.raised().number()),
    );
    let row: Result<UserRow, _> = diesel::update(users::table.find(Id(user.id.as_uuid())))
        .set(change)
        .returning(UserRow::as_returning())
        .get_result(c);
    match row {
        Ok(row) => Ok(UserRow::user(row)?),
        // Somebody took it in between.
        Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
            Err(Undo::with(Redeemed::EmailTaken))
        }
        Err(error) => Err(error.into()),
    }
}

fn done(c: &mut Conn, user: User, fallen: &Fallen, terms: &Terms) -> Result<Redeemed, Undo<Redeemed>> {
    let revocations: Vec<Revocation> = cut_off(c, user.id, user.generation, fallen, terms)?;
    Ok(Redeemed::Done { user, revocations })
}
