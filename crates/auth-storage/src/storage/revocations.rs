//! Revocations: made by token, read by every node.

use super::{Storage, run};
use crate::{context::ChangeContext, error::StorageError, outcomes::RevocationBatch};
use auth_domain::{
    ids::TokenId,
    revocation::{Facts, Revocation, TokenRef},
    time::Timestamp,
};

impl Storage {
    /// Revokes one access token until `terms.until_at_least`.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn revoke_token(
        &self,
        token: TokenId,
        terms: ChangeContext,
    ) -> Result<Vec<Revocation>, StorageError> {
        run!(self, write, revocations::revoke_token(token, &terms))
    }

    /// The live revocations that were recorded at `after` or later by the database's clock; all of them without it.
    ///
    /// # Errors
    /// See [`StorageError`]. A server that takes no writes is unavailable: its truth has stopped.
    pub async fn revocations_since(&self, after: Option<Timestamp>) -> Result<RevocationBatch, StorageError> {
        run!(self, read, revocations::since(after))
    }

    /// What the database knows of a token.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn facts(&self, token: TokenRef) -> Result<Facts, StorageError> {
        run!(self, look, revocations::facts(token))
    }
}
