//! Users: created, read and listed. The rule: the unique key of the email address decides whether it is free.

use super::{
    Conn, committed_or_refused,
    one_time_tokens::send,
    readable_page,
    side_effects::{AuditEntry, AuditWriter, OutboxMail, SideEffects},
    transaction,
    user_lock::lock_caller,
};
use crate::{
    committed::Committed,
    context::{ChangeContext, Pagination},
    fault::{Fault, Rollback},
    one_time_tokens::Mailed as MailedToken,
    prepared::Prepare as _,
    schema::{sessions, users},
    sessions::SessionRow,
    sqlty::{Id, Ts},
    users::{Credentials, CredentialsRow, EmailTaken, Figures, Filter, New, NewUserRow, NotInvited, UserRow},
};
use auth_domain::{
    audit::{Action, Actor},
    email::EmailAddress,
    ids::UserId,
    mail::MailKind,
    password_hash::PasswordHash,
    role::Role,
    session::Session,
    time::Timestamp,
    user::{User, UserStatus},
};
use diesel::{dsl::count_star, prelude::*};
use uuid::Uuid;

/// Inserts a user. `None`: the address is taken. Any other refusal of the database is a failure.
pub(super) fn insert_if_free(c: &mut Conn, user: &New, signed_in: Option<Ts>) -> Result<Option<User>, Fault> {
    let inserted: Option<UserRow> = diesel::insert_into(users::table)
        .values(NewUserRow::new(user, user.email.key(), signed_in))
        .on_conflict(users::email_key)
        .do_nothing()
        .returning(UserRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    inserted.map(UserRow::user).transpose()
}

/// Creates a user and their first session, and queues the mail with the link that verifies their address.
pub(crate) fn insert(
    c: &mut Conn,
    user: &New,
    session: Option<&Session>,
    verification: Option<&MailedToken>,
    context: &ChangeContext,
) -> Result<Result<Committed<User>, EmailTaken>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let created = create(c, user, session, effects)?;
        if let Some(mailed) = verification {
            let mail = OutboxMail::to(created.id, MailKind::EmailVerification);
            send(c, created.id, mailed, mail, effects)?;
        }
        Ok(created)
    })
}

/// Creates a user, and queues a mail with a link to choose their password.
pub(crate) fn invite(
    c: &mut Conn,
    user: &New,
    context: &ChangeContext,
) -> Result<Result<Committed<User>, NotInvited>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        lock_caller(c, context)?;
        let created = create(c, user, None, effects)?;
        effects.mail(c, OutboxMail::to(created.id, MailKind::PasswordReset))?;
        Ok(created)
    })
}

fn create<R: From<EmailTaken>>(
    c: &mut Conn,
    user: &New,
    session: Option<&Session>,
    effects: &mut SideEffects<'_>,
) -> Result<User, Rollback<R>> {
    let signed_in = session.map(|session| Ts(session.created_at));
    let created = insert_if_free(c, user, signed_in)?.ok_or_else(|| Rollback::refused(EmailTaken.into()))?;
    let mut entry = if effects.context.by.actor == Actor::Anonymous {
        AuditEntry::of(Action::Registered).by_subject(created.id)
    } else {
        AuditEntry::of(Action::UserCreated).about(created.id)
    };
    if let Some(session) = session {
        let _begun: Id = diesel::insert_into(sessions::table)
            .values(SessionRow::of(session))
            .returning(sessions::id)
            .prepared()
            .get_result(c)?;
        entry = entry.session(session.id);
    }
    effects.audit(c, entry.with("role", &created.role))?;
    Ok(created)
}

/// Creates many users in one transaction.
pub(crate) fn import(
    c: &mut Conn,
    users: &[New],
    context: &ChangeContext,
) -> Result<Vec<Result<User, EmailTaken>>, Fault> {
    transaction(c, |c| {
        let created = users
            .iter()
            .map(|user| {
                let created = insert_if_free(c, user, None)?;
                Ok(created.ok_or(EmailTaken))
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        let count = created.iter().filter(|one| one.is_ok()).count();
        if count > 0 {
            AuditWriter::of(context).audit(c, AuditEntry::of(Action::UsersImported).with("count", count))?;
        }
        Ok(created)
    })
}

/// One user.
pub(crate) fn user(c: &mut Conn, id: UserId) -> Result<Option<User>, Fault> {
    let found = users::table.find(Id(id.as_uuid())).select(UserRow::as_select());
    found.first(c).optional()?.map(UserRow::user).transpose()
}

/// The user with this email address.
pub(crate) fn user_by_email(c: &mut Conn, email: &EmailAddress) -> Result<Option<User>, Fault> {
    let found = users::table
        .filter(users::email_key.eq(email.key()))
        .select(UserRow::as_select());
    found.first(c).optional()?.map(UserRow::user).transpose()
}

/// The user with this email address and the hash of their password, from one read.
pub(crate) fn credentials(c: &mut Conn, email: &EmailAddress) -> Result<Option<Credentials>, Fault> {
    let found = users::table.filter(users::email_key.eq(email.key()));
    let row = found.select(CredentialsRow::as_select()).first(c).optional()?;
    row.map(CredentialsRow::credentials).transpose()
}

/// One user and the hash of their password, from one read.
pub(crate) fn credentials_of(c: &mut Conn, id: UserId) -> Result<Option<Credentials>, Fault> {
    let found = users::table.find(Id(id.as_uuid()));
    let row = found.select(CredentialsRow::as_select()).first(c).optional()?;
    row.map(CredentialsRow::credentials).transpose()
}

/// A page of the users that match a filter, newest first.
pub(crate) fn list(c: &mut Conn, filter: &Filter, page: Pagination) -> Result<Vec<User>, Fault> {
    // No stored text contains a NUL, and PostgreSQL refuses a query with one.
    if filter.query.as_ref().is_some_and(|query| query.contains('\0')) {
        return Ok(Vec::new());
    }
    let load = |after: Option<Uuid>, limit: i64| -> Result<Vec<UserRow>, Fault> {
        let mut wanted = users::table.select(UserRow::as_select()).into_boxed();
        if let Some(query) = &filter.query {
            // A range of an index: every text with this beginning sorts below the beginning followed by U+10FFFF.
            let begins = query.to_lowercase();
            let above = |text: &str| format!("{text}\u{10FFFF}");
            wanted = match begins.strip_prefix('@') {
                Some(domain) => {
                    let of = users::email_domain.assume_not_null();
                    wanted.filter(of.ge(domain.to_owned()).and(of.lt(above(domain))))
                }
                None => {
                    let to = above(&begins);
                    let name = users::name_key.assume_not_null();
                    let by_email = users::email_key
                        .ge(begins.clone())
                        .and(users::email_key.lt(to.clone()));
                    let by_name = name.ge(begins).and(name.lt(to));
                    wanted.filter(by_email.or(users::name_key.is_not_null().and(by_name)))
                }
            };
        }
        if let Some(role) = &filter.role {
            wanted = wanted.filter(users::role.eq(role.as_str()));
        }
        if let Some(status) = &filter.status {
            wanted = wanted.filter(users::status.eq(status.as_str()));
        }
        if let Some(after) = after {
            wanted = wanted.filter(users::id.lt(Id(after)));
        }
        Ok(wanted.order(users::id.desc()).limit(limit).load(c)?)
    };
    readable_page(page, load, |row| Some(row.id.0), UserRow::user)
}

/// Rewrites a hash, if it is still the one that was verified.
pub(crate) fn upgrade_password_hash(
    c: &mut Conn,
    id: UserId,
    from: &PasswordHash,
    to: &PasswordHash,
) -> Result<bool, Fault> {
    let same = users::table
        .find(Id(id.as_uuid()))
        .filter(users::password_hash.eq(from.expose()));
    let upgraded: Option<Id> = diesel::update(same)
        .set(users::password_hash.eq(to.expose()))
        .returning(users::id)
        .prepared()
        .get_result(c)
        .optional()?;
    Ok(upgraded.is_some())
}

/// Whether an active user holds one of the roles.
pub(crate) fn administrator_exists(c: &mut Conn, administrators: &[Role]) -> Result<bool, Fault> {
    any_administrator(c, administrators, None)
}

/// Whether an active user other than `but` holds one of the roles.
pub(super) fn any_administrator(
    c: &mut Conn,
    administrators: &[Role],
    but: Option<UserId>,
) -> Result<bool, Fault> {
    let roles: Vec<&str> = administrators.iter().map(Role::as_str).collect();
    let mut held = users::table
        .filter(users::role.eq_any(roles))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .select(users::id)
        .into_boxed();
    if let Some(but) = but {
        held = held.filter(users::id.ne(Id(but.as_uuid())));
    }
    Ok(held.first::<Id>(c).optional()?.is_some())
}

/// The number of users by role and status, and of active sessions. It reads every row, so the caller caches the result.
pub(crate) fn figures(c: &mut Conn, now: Timestamp) -> Result<Figures, Fault> {
    let by_kind: Vec<(String, String, i64)> = users::table
        .group_by((users::role, users::status))
        .select((users::role, users::status, count_star()))
        .order((users::role.asc(), users::status.asc()))
        .load(c)?;
    let live: i64 = sessions::table
        .filter(sessions::ended_at.is_null())
        .filter(sessions::refresh_expires_at.gt(Ts(now)))
        .count()
        .get_result(c)?;
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(Figures {
        users: by_kind
            .into_iter()
            .map(|(role, status, n)| (role, status, count(n)))
            .collect(),
        live_sessions: count(live),
    })
}
