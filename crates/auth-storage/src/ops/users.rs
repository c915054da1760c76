//! Users: made, read, listed.

use super::{Conn, whole};
use crate::{
    asks::{NewUser, Page, UserFilter},
    fault::Fault,
    outcomes::{Credentials, InsertedUser},
    prepared::Prepare as _,
    rows::{NewUserRow, SessionRow, UserRow, credentials as credentials_row},
    schema::{sessions, users},
    sqlty::{Id, Ts},
};
use auth_domain::{
    email::EmailAddress,
    ids::UserId,
    password_hash::PasswordHash,
    role::Role,
    session::Session,
    user::{User, UserStatus},
};
use diesel::prelude::*;

/// Inserts a user unless its address is taken. Only the unique address makes it `None`; any other refusal is a failure.
pub(super) fn insert_if_free(
    c: &mut Conn,
    user: &NewUser,
    signed_in: Option<Ts>,
) -> Result<Option<User>, Fault> {
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

/// Makes a user and, with it, its first session.
pub(crate) fn insert(c: &mut Conn, user: &NewUser, session: Option<&Session>) -> Result<InsertedUser, Fault> {
    let answer = |made: Option<User>| made.map_or(InsertedUser::EmailTaken, InsertedUser::Created);
    let Some(session) = session else {
        return insert_if_free(c, user, None).map(answer);
    };
    whole(c, |c| {
        let made = insert_if_free(c, user, Some(Ts(session.created_at)))?;
        if made.is_some() {
            let _begun: Id = diesel::insert_into(sessions::table)
                .values(SessionRow::of(session))
                .returning(sessions::id)
                .prepared()
                .get_result(c)?;
        }
        Ok(answer(made))
    })
}

/// Makes many users, as a whole.
pub(crate) fn import(c: &mut Conn, users: &[NewUser]) -> Result<Vec<InsertedUser>, Fault> {
    whole(c, |c| users.iter().map(|user| insert(c, user, None)).collect())
}

/// One user.
pub(crate) fn user(c: &mut Conn, id: UserId) -> Result<Option<User>, Fault> {
    let found = users::table.find(Id(id.as_uuid())).select(UserRow::as_select());
    found.first(c).optional()?.map(UserRow::user).transpose()
}

/// The user with an address.
pub(crate) fn user_by_email(c: &mut Conn, email: &EmailAddress) -> Result<Option<User>, Fault> {
    let found = users::table
        .filter(users::email_key.eq(email.key()))
        .select(UserRow::as_select());
    found.first(c).optional()?.map(UserRow::user).transpose()
}

/// The user with an address, and the hash of its password, from one read.
pub(crate) fn credentials(c: &mut Conn, email: &EmailAddress) -> Result<Option<Credentials>, Fault> {
    let found = users::table.filter(users::email_key.eq(email.key()));
    let row = found
        .select((UserRow::as_select(), users::password_hash))
        .first(c)
        .optional()?;
    row.map(credentials_row).transpose()
}

/// One user and the hash of its password, from one read.
pub(crate) fn credentials_of(c: &mut Conn, id: UserId) -> Result<Option<Credentials>, Fault> {
    let found = users::table.find(Id(id.as_uuid()));
    let row = found
        .select((UserRow::as_select(), users::password_hash))
        .first(c)
        .optional()?;
    row.map(credentials_row).transpose()
}

/// A part of the users that fit a filter, newest first.
pub(crate) fn list(c: &mut Conn, filter: &UserFilter, page: Page) -> Result<Vec<User>, Fault> {
    let mut wanted = users::table.select(UserRow::as_select()).into_boxed();
    if let Some(query) = &filter.query {
        // No stored text has one; SQLite would end the pattern there and find everybody, PostgreSQL refuse the query.
        if query.contains('\0') {
            return Ok(Vec::new());
        }
        let part = containing(query);
        wanted = wanted.filter(
            users::email_key
                .like(part.clone())
                .escape('\\')
                .or(users::name_key
                    .is_not_null()
                    .and(users::name_key.assume_not_null().like(part).escape('\\'))),
        );
    }
    if let Some(role) = &filter.role {
        wanted = wanted.filter(users::role.eq(role.as_str()));
    }
    if let Some(status) = filter.status {
        wanted = wanted.filter(users::status.eq(status.as_str()));
    }
    if let Some(after) = page.after {
        wanted = wanted.filter(users::id.lt(Id(after)));
    }
    let rows: Vec<UserRow> = wanted
        .order(users::id.desc())
        .limit(i64::from(page.limit))
        .load(c)?;
    rows.into_iter().map(UserRow::user).collect()
}

/// A LIKE pattern for "contains", whose text stands for itself. Both keys are stored in lower case.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars().flat_map(char::to_lowercase) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
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
