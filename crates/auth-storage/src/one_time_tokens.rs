//! One-time tokens. The rule: only the digest of a token is stored, and a token is used up once.

use crate::{
    context::ChangeContext,
    error::StorageError,
    fault::{Fault, corrupt},
    schema::one_time_tokens,
    sqlty::{Id, Ts},
    storage::{Storage, run},
};
use auth_domain::{
    email::EmailAddress,
    ids::{MailId, OneTimeTokenId, UserId},
    one_time::TokenKind,
    password_hash::PasswordHash,
    time::Timestamp,
    user::DisplayName,
};
use diesel::prelude::*;

/// A one-time token to be stored.
#[derive(Clone)]
pub struct New {
    /// The id of its row.
    pub id: OneTimeTokenId,
    /// What it is for.
    pub kind: TokenKind,
    /// The SHA-256 of the token.
    pub digest: [u8; 32],
    /// When it was requested. A newer token of the same kind and user voids it.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The email address that it is bound to: the new one of a change, the one to be verified, or the one that a report restores.
    pub email: Option<EmailAddress>,
    /// What takes effect when it is used: the password and the name of a registration that waits for it.
    pub pending: Option<Pending>,
}

/// What a registration stores until its address is verified.
#[derive(Clone)]
pub struct Pending {
    /// The hash of the password.
    pub password_hash: PasswordHash,
    /// The name of the user.
    pub name: Option<DisplayName>,
}

/// A token, and the mail that carries it.
#[derive(Clone)]
pub struct Mailed {
    /// The id of the mail. The token is derived from it.
    pub mail: MailId,
    /// The token.
    pub token: New,
}

/// A valid one-time token.
#[derive(Clone)]
pub struct Stored {
    /// The user it belongs to.
    pub user: Option<UserId>,
    /// The email address that it is bound to.
    pub email: Option<EmailAddress>,
    /// When it was requested.
    pub created_at: Timestamp,
    /// What takes effect when it is used.
    pub pending: Option<Pending>,
}

impl Storage {
    /// A valid one-time token, without using it up.
    pub async fn one_time_token(
        &self,
        kind: TokenKind,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Stored>, StorageError> {
        run!(self, look, one_time_tokens::find(kind, &digest, now))
    }

    /// Stores the token of a mail that is about to be sent. `false`: the token is void, because a newer one was requested, because the
    /// password has been set since a reset was requested, or because the user was deleted.
    pub async fn issue_token(
        &self,
        token: New,
        user: UserId,
        context: Option<ChangeContext>,
    ) -> Result<bool, StorageError> {
        run!(
            self,
            write,
            one_time_tokens::issue(&token, user, context.as_ref())
        )
    }
}

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
    pub(crate) fn of(token: &New, user: Option<UserId>) -> Self {
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
    pub(crate) fn token(self) -> Result<Stored, Fault> {
        let bad = |column| corrupt("one_time_tokens", column, self.id.0);
        let hash = self.password_hash.as_deref().map(PasswordHash::parse).transpose();
        let name = self.name.as_deref().map(DisplayName::stored).transpose();
        let name = name.map_err(|_| bad("name"))?;
        Ok(Stored {
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
