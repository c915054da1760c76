//! Rows of one-time tokens and API keys.

use super::name_key;
use crate::{
    asks::{NewApiKey, NewToken, Pending},
    fault::{Fault, corrupt},
    outcomes::StoredToken,
    schema::{api_keys, one_time_tokens},
    sqlty::{Id, Ts},
};
use auth_domain::{
    api_key::{ApiKey, KeyName},
    email::EmailAddress,
    ids::{ApiKeyId, UserId},
    password_hash::PasswordHash,
    role::Permission,
    user::DisplayName,
    word::NewerWord,
};
use diesel::prelude::*;

/// A one-time token to be stored.
#[derive(Insertable)]
#[diesel(table_name = one_time_tokens)]
pub(crate) struct NewTokenRow {
    id: Id,
    kind: &'static str,
    user_id: Option<Id>,
    digest: Vec<u8>,
    created_at: Ts,
    expires_at: Ts,
    email: Option<String>,
    password_hash: Option<String>,
    name: Option<String>,
}

impl NewTokenRow {
    pub(crate) fn of(token: &NewToken, user: Option<UserId>) -> Self {
        let pending = token.pending.as_ref();
        Self {
            id: Id(token.id.as_uuid()),
            kind: token.kind.as_str(),
            user_id: user.map(|id| Id(id.as_uuid())),
            digest: token.digest.to_vec(),
            created_at: Ts(token.created_at),
            expires_at: Ts(token.expires_at),
            email: token.email.as_ref().map(|email| email.as_str().to_owned()),
            password_hash: pending.map(|pending| pending.password_hash.expose().to_owned()),
            name: pending.and_then(|pending| Some(pending.name.as_ref()?.as_str().to_owned())),
        }
    }
}

/// A one-time token as stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = one_time_tokens)]
pub(crate) struct TokenRow {
    id: Id,
    user_id: Option<Id>,
    created_at: Ts,
    email: Option<String>,
    password_hash: Option<String>,
    name: Option<String>,
}

impl TokenRow {
    pub(crate) fn token(self) -> Result<StoredToken, Fault> {
        let bad = |column| corrupt("one_time_tokens", column, self.id.0);
        let hash = self.password_hash.as_deref().map(PasswordHash::parse).transpose();
        let name = self.name.as_deref().map(DisplayName::stored).transpose();
        let name = name.map_err(|_| bad("name"))?;
        Ok(StoredToken {
            user: self.user_id.map(|id| UserId::from_uuid(id.0)),
            created_at: self.created_at.0,
            email: self
                .email
                .as_deref()
                .map(EmailAddress::parse)
                .transpose()
                .map_err(|_| bad("email"))?,
            pending: hash
                .map_err(|_| bad("password_hash"))?
                .map(|password_hash| Pending { password_hash, name }),
        })
    }
}

/// An API key as stored.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub(crate) struct ApiKeyRow {
    id: Id,
    user_id: Id,
    name: String,
    permissions: String,
    created_at: Ts,
    expires_at: Option<Ts>,
    last_used_at: Option<Ts>,
}

/// An API key to be stored, with its digest.
#[derive(Insertable)]
#[diesel(table_name = api_keys)]
pub(crate) struct NewApiKeyRow {
    #[diesel(embed)]
    key: ApiKeyRow,
    digest: Vec<u8>,
}

impl NewApiKeyRow {
    pub(crate) fn of(new: &NewApiKey) -> Self {
        let key = &new.key;
        let permissions: Vec<&str> = key.permissions.iter().map(|one| one.as_str()).collect();
        Self {
            key: ApiKeyRow {
                id: Id(key.id.as_uuid()),
                user_id: Id(key.owner.as_uuid()),
                name: key.name.as_str().to_owned(),
                permissions: permissions.join(" "),
                created_at: Ts(key.created_at),
                expires_at: key.expires_at.map(Ts),
                last_used_at: key.last_used_at.map(Ts),
            },
            digest: new.digest.to_vec(),
        }
    }
}

impl ApiKeyRow {
    pub(crate) fn key(self) -> Result<ApiKey, Fault> {
        let bad = |column| corrupt("api_keys", column, self.id.0);
        // A permission of a newer version is one that nothing here asks for.
        let mut permissions = Vec::new();
        for word in self.permissions.split_whitespace() {
            match word.parse::<Permission>() {
                Ok(permission) => permissions.push(permission),
                Err(_) if NewerWord::parse(word).is_some() => {}
                Err(_) => return Err(bad("permissions")),
            }
        }
        Ok(ApiKey {
            id: ApiKeyId::from_uuid(self.id.0),
            owner: UserId::from_uuid(self.user_id.0),
            name: KeyName::stored(&self.name).map_err(|_| bad("name"))?,
            permissions,
            created_at: self.created_at.0,
            expires_at: self.expires_at.map(|at| at.0),
            last_used_at: self.last_used_at.map(|at| at.0),
        })
    }
}

/// What a verified registration writes.
pub(crate) fn name_columns(name: Option<&DisplayName>) -> (Option<String>, Option<String>) {
    (name.map(|name| name.as_str().to_owned()), name.map(name_key))
}
