//! Signing keys. The rule: a plan changes all of its keys or none, and private keys are stored encrypted. A row that this version can't
//! read is set aside, and the other keys still work.

use crate::{
    context::ChangeContext,
    error::StorageError,
    schema::signing_keys,
    sqlty::{Perhaps, Ts},
    storage::{Storage, run},
};
use auth_domain::keys::{Algorithm, KeyStanding, KeyState, KeyStep};
use diesel::prelude::*;

/// A signing key as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its state and times.
    pub standing: KeyStanding,
    /// The algorithm it signs with.
    pub algorithm: Algorithm,
    /// The public part, as a JWK.
    pub public_jwk: String,
    /// The private part, encrypted with the master key.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored")
            .field("standing", &self.standing)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// A row that this version can't read: a newer version wrote it, or it is damaged. This version neither signs nor verifies with it.
#[derive(Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The row's `kid`.
    pub kid: String,
    /// The column that can't be read.
    pub column: &'static str,
    /// The private part, encrypted with the master key.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetAside")
            .field("kid", &self.kid)
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

/// The rows of the table, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The keys.
    pub keys: Vec<Stored>,
    /// The rows that this version can't read.
    pub set_aside: Vec<SetAside>,
}

/// Why keys were not changed. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotChanged {
    /// A key was not in the state that the plan expected: another node was first.
    Outrun,
    /// The caller's session or API key has ended, or the caller's tokens were revoked, since the request came in.
    CallerRevoked,
}

impl Storage {
    /// All signing keys, and the rows that this version can't read.
    pub async fn keys(&self) -> Result<Table, StorageError> {
        run!(self, read, signing_keys::all())
    }

    /// Changes the states of keys and adds new keys, in this order. A rotation that a user requested is recorded in the audit log, with
    /// the user and whether the old key was compromised.
    pub async fn change_keys(
        &self,
        moves: Vec<KeyStep>,
        new: Vec<Stored>,
        rotation: Option<(bool, ChangeContext)>,
    ) -> Result<Result<(), NotChanged>, StorageError> {
        run!(
            self,
            write,
            signing_keys::change(
                &moves,
                new,
                rotation
                    .as_ref()
                    .map(|(compromised, context)| (*compromised, context))
            )
        )
    }

    /// Replaces everything that is encrypted with the master key, or nothing: keys by `kid`, settings by name.
    pub async fn reseal_keys(
        &self,
        keys: Vec<(String, Vec<u8>)>,
        settings: Vec<(String, Vec<u8>)>,
        context: ChangeContext,
    ) -> Result<(), StorageError> {
        run!(self, write, signing_keys::reseal(&keys, &settings, &context))
    }
}

/// A signing key to be stored.
#[derive(Insertable)]
#[diesel(table_name = signing_keys)]
pub(crate) struct NewKeyRow {
    kid: String,
    state: &'static str,
    algorithm: &'static str,
    public_jwk: String,
    sealed: Vec<u8>,
    published_at: Ts,
    verifies_until: Option<Ts>,
}

impl NewKeyRow {
    pub(crate) fn of(key: Stored) -> Self {
        Self {
            kid: key.standing.kid,
            state: key.standing.state.as_str(),
            algorithm: key.algorithm.as_str(),
            public_jwk: key.public_jwk,
            sealed: key.sealed,
            published_at: Ts(key.standing.published_at),
            verifies_until: key.standing.verifies_until.map(Ts),
        }
    }
}

/// A signing key as stored, with any values in its columns.
#[derive(Queryable, Selectable)]
#[diesel(table_name = signing_keys)]
pub(crate) struct KeyRow {
    kid: String,
    state: String,
    algorithm: String,
    public_jwk: String,
    sealed: Vec<u8>,
    published_at: Perhaps<Ts>,
    verifies_until: Option<Perhaps<Ts>>,
}

impl KeyRow {
    /// The key. `Err`: the row can't be read. It is set aside unless it is retired.
    pub(crate) fn key(self) -> Result<Stored, Option<SetAside>> {
        match self.columns() {
            Ok((standing, algorithm)) => Ok(Stored {
                standing,
                algorithm,
                public_jwk: self.public_jwk,
                sealed: self.sealed,
            }),
            Err(_) if self.state == KeyState::Retired.as_str() => Err(None),
            Err(column) => Err(Some(SetAside {
                kid: self.kid,
                column,
                sealed: self.sealed,
            })),
        }
    }

    /// The values of the columns. `Err`: the column that this version can't read.
    fn columns(&self) -> Result<(KeyStanding, Algorithm), &'static str> {
        let verifies_until = match self.verifies_until {
            None => None,
            Some(Perhaps(until)) => Some(until.ok_or("verifies_until")?.0),
        };
        let standing = KeyStanding {
            kid: self.kid.clone(),
            state: self.state.parse().map_err(|_| "state")?,
            published_at: self.published_at.0.ok_or("published_at")?.0,
            verifies_until,
        };
        Ok((standing, self.algorithm.parse().map_err(|_| "algorithm")?))
    }
}
