//! Rows of users. The rule: a row with an invalid value is an error that names the table, the column and the key.

use super::{Credentials, New};
use crate::{
    fault::{Fault, corrupt},
    schema::users,
    sqlty::{Id, Ts},
};
use auth_domain::{
    email::EmailAddress,
    ids::UserId,
    password_hash::PasswordHash,
    user::{DisplayName, Generation, User, UserStatus},
};
use diesel::prelude::*;

/// A user as stored, without the hash of their password.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    pub(crate) id: Id,
    email: String,
    name: Option<String>,
    role: String,
    status: String,
    email_verified_at: Option<Ts>,
    created_at: Ts,
    last_login_at: Option<Ts>,
    token_generation: i64,
}

impl UserRow {
    pub(crate) fn user(self) -> Result<User, Fault> {
        let bad = |column| corrupt("users", column, self.id.0);
        Ok(User {
            id: UserId::from_uuid(self.id.0),
            email: EmailAddress::parse(&self.email).map_err(|_| bad("email"))?,
            name: self
                .name
                .as_deref()
                .map(DisplayName::stored)
                .transpose()
                .map_err(|_| bad("name"))?,
            role: self.role.parse().map_err(|_| bad("role"))?,
            status: UserStatus::stored(&self.status).ok_or_else(|| bad("status"))?,
            email_verified_at: self.email_verified_at.map(|at| at.0),
            created_at: self.created_at.0,
            last_login_at: self.last_login_at.map(|at| at.0),
            generation: Generation::from_number(self.token_generation)
                .ok_or_else(|| bad("token_generation"))?,
        })
    }
}

/// The columns of a user that a sign-in needs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct CredentialsRow {
    #[diesel(embed)]
    user: UserRow,
    password_hash: Option<String>,
    devices_from: Option<Ts>,
    password_changed_at: Option<Ts>,
}

impl CredentialsRow {
    pub(crate) fn credentials(self) -> Result<Credentials, Fault> {
        let id = self.user.id.0;
        let parsed = self.password_hash.as_deref().map(PasswordHash::parse).transpose();
        let password_hash = parsed.map_err(|_| corrupt("users", "password_hash", id))?;
        Ok(Credentials {
            user: self.user.user()?,
            password_hash,
            devices_from: self.devices_from.map(|at| at.0),
            password_changed_at: self.password_changed_at.map(|at| at.0),
        })
    }
}

/// The columns of a user that the end of their credentials writes. `None` leaves a column as it is.
#[derive(AsChangeset, Default)]
#[diesel(table_name = users)]
pub(crate) struct EndingColumns<'a> {
    pub(crate) token_generation: Option<i64>,
    pub(crate) password_hash: Option<Option<&'a str>>,
    pub(crate) password_changed_at: Option<Ts>,
    pub(crate) devices_from: Option<Ts>,
}

/// A user to be inserted.
#[derive(Insertable)]
#[diesel(table_name = users)]
pub(crate) struct NewUserRow<'a> {
    id: Id,
    email: &'a str,
    email_key: &'a str,
    name: Option<&'a str>,
    name_key: Option<String>,
    password_hash: Option<&'a str>,
    role: &'a str,
    status: &'a str,
    email_verified_at: Option<Ts>,
    created_at: Ts,
    updated_at: Ts,
    last_login_at: Option<Ts>,
    token_generation: i64,
}

impl<'a> NewUserRow<'a> {
    pub(crate) fn new(user: &'a New, key: &'a str, last_login_at: Option<Ts>) -> Self {
        Self {
            id: Id(user.id.as_uuid()),
            email: user.email.as_str(),
            email_key: key,
            name: user.name.as_ref().map(DisplayName::as_str),
            name_key: user.name.as_ref().map(name_key),
            password_hash: user.password_hash.as_ref().map(PasswordHash::expose),
            role: user.role.as_str(),
            status: user.status.as_str(),
            email_verified_at: user.email_verified_at.map(Ts),
            created_at: Ts(user.created_at),
            updated_at: Ts(user.created_at),
            last_login_at,
            token_generation: Generation::FIRST.number(),
        }
    }
}

/// The form of a name that searches use.
pub(crate) fn name_key(name: &DisplayName) -> String {
    name.as_str().to_lowercase()
}

/// The values of the columns `name` and `name_key`.
pub(crate) fn name_columns(name: Option<&DisplayName>) -> (Option<String>, Option<String>) {
    (name.map(|name| name.as_str().to_owned()), name.map(name_key))
}
