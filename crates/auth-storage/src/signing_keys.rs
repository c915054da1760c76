//! Signing keys. The rule: they are moved as a whole plan or not at all, and their private parts are stored sealed.

use crate::{
    context::ChangeContext,
    error::StorageError,
    fault::{Fault, corrupt},
    schema::signing_keys,
    sqlty::Ts,
    storage::{Storage, run},
};
use auth_domain::keys::{KeyStanding, KeyStep};
use diesel::prelude::*;

/// A signing key as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it stands.
    pub standing: KeyStanding,
    /// The `alg` it signs with.
    pub algorithm: String,
    /// The public part, as a JWK.
    pub public_jwk: String,
    /// The private part, sealed with the master key.
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

impl Storage {
    /// All signing keys, the oldest first.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn keys(&self) -> Result<Vec<Stored>, StorageError> {
        run!(self, read, signing_keys::all())
    }

    /// Moves keys and adds new ones, in the order given. False, and nothing is written, if a key was not where its move
    /// starts, or another node was first. A rotation that somebody asked for is noted: whether the old key was compromised, and
    /// by whom.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn change_keys(
        &self,
        moves: Vec<KeyStep>,
        new: Vec<Stored>,
        rotation: Option<(bool, ChangeContext)>,
    ) -> Result<bool, StorageError> {
        run!(
            self,
            write,
            signing_keys::change(
                &moves,
                new,
                rotation
                    .as_ref()
                    .map(|(compromised, terms)| (*compromised, terms))
            )
        )
    }

    /// Replaces what is sealed with the master key, all or nothing: keys by `kid`, settings by name.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn reseal_keys(
        &self,
        keys: Vec<(String, Vec<u8>)>,
        settings: Vec<(String, Vec<u8>)>,
        terms: ChangeContext,
    ) -> Result<(), StorageError> {
        run!(self, write, signing_keys::reseal(&keys, &settings, &terms))
    }
}

/// A signing key.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
pub(crate) struct KeyRow {
    kid: String,
    state: String,
    algorithm: String,
    public_jwk: String,
    sealed: Vec<u8>,
    published_at: Ts,
    verifies_until: Option<Ts>,
}

impl KeyRow {
    pub(crate) fn of(key: Stored) -> Self {
        Self {
            kid: key.standing.kid,
            state: key.standing.state.as_str().to_owned(),
            algorithm: key.algorithm,
            public_jwk: key.public_jwk,
            sealed: key.sealed,
            published_at: Ts(key.standing.published_at),
            verifies_until: key.standing.verifies_until.map(Ts),
        }
    }

    pub(crate) fn key(self) -> Result<Stored, Fault> {
        let state = self
            .state
            .parse()
            .map_err(|_| corrupt("signing_keys", "state", &self.kid))?;
        Ok(Stored {
            standing: KeyStanding {
                kid: self.kid,
                state,
                published_at: self.published_at.0,
                verifies_until: self.verifies_until.map(|at| at.0),
            },
            algorithm: self.algorithm,
            public_jwk: self.public_jwk,
            sealed: self.sealed,
        })
    }
}
