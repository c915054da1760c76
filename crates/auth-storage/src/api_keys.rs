//! API keys. The rule: only the digest of a key is stored.

use crate::{
    committed::Committed,
    context::{ChangeContext, Refused},
    error::StorageError,
    fault::{Fault, corrupt},
    schema::api_keys,
    sqlty::{Id, Ts},
    storage::{Storage, run},
};
use auth_domain::{
    api_key::{ApiKey, KeyName},
    ids::{ApiKeyId, UserId},
    role::Permission,
    time::Timestamp,
    user::User,
    word::NewerWord,
};
use diesel::prelude::*;

/// An API key to be stored.
#[derive(Clone)]
pub struct New {
    /// Its properties.
    pub key: ApiKey,
    /// The SHA-256 of the key.
    pub digest: [u8; 32],
}

/// Why an API key was not created. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCreated {
    /// The user already has the maximum number of keys.
    TooMany,
    /// There is no such user.
    NoUser,
    /// The caller's session has ended, or the caller's tokens were revoked, since the access token was checked.
    CallerRevoked,
}

/// An API key with its owner, from one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The key.
    pub key: ApiKey,
    /// Its owner.
    pub owner: User,
}

impl Storage {
    /// Stores an API key, unless its owner already has `most` keys.
    pub async fn insert_api_key(
        &self,
        new: New,
        most: u32,
        context: ChangeContext,
    ) -> Result<Result<Committed<()>, NotCreated>, StorageError> {
        run!(self, write, api_keys::insert(&new, i64::from(most), &context))
    }

    /// A user's API keys, newest first.
    pub async fn api_keys(&self, owner: UserId) -> Result<Vec<ApiKey>, StorageError> {
        run!(self, read, api_keys::of_user(owner))
    }

    /// Removes a user's API key.
    pub async fn revoke_api_key(
        &self,
        owner: UserId,
        id: ApiKeyId,
        context: ChangeContext,
    ) -> Result<Result<(), Refused>, StorageError> {
        run!(self, write, api_keys::revoke(owner, id, &context))
    }

    /// The API key with this digest, and its owner.
    pub async fn api_key_holder(&self, digest: [u8; 32]) -> Result<Option<Holder>, StorageError> {
        run!(self, look, api_keys::holder(&digest))
    }

    /// Records that an API key was used.
    pub async fn touch_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<(), StorageError> {
        run!(self, write, api_keys::touch(id, now))
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

impl ApiKeyRow {
    pub(crate) fn key(self) -> Result<ApiKey, Fault> {
        let bad = |column| corrupt("api_keys", column, self.id.0);
        // A permission that only a newer version knows is skipped: no check of this version needs it.
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

/// An API key to be stored, with its digest.
#[derive(Insertable)]
#[diesel(table_name = api_keys)]
pub(crate) struct NewApiKeyRow {
    #[diesel(embed)]
    key: ApiKeyRow,
    digest: Vec<u8>,
}

impl NewApiKeyRow {
    pub(crate) fn of(new: &New) -> Self {
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
