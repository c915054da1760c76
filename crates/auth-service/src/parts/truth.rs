//! The database as the blacklist sees it: the one truth that its copies are read from.

use auth_blacklist::{Batch, Truth, TruthUnavailable};
use auth_domain::{
    revocation::{RevocationFacts, TokenRef},
    time::Timestamp,
};
use auth_storage::{Storage, StorageError};
use futures::future::BoxFuture;

/// Storage, as the blacklist asks it.
#[derive(Clone)]
pub struct StoredTruth(Storage);

impl StoredTruth {
    /// The truth that this storage holds.
    #[must_use]
    pub const fn new(storage: Storage) -> Self {
        Self(storage)
    }
}

impl Truth for StoredTruth {
    fn revocations_since(&self, after: Option<Timestamp>) -> BoxFuture<'_, Result<Batch, TruthUnavailable>> {
        Box::pin(async move {
            let read = self
                .0
                .revocations_since(after)
                .await
                .map_err(|error| unavailable(&error))?;
            Ok(Batch {
                revocations: read.revocations,
                database_now: read.database_now,
            })
        })
    }

    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, TruthUnavailable>> {
        Box::pin(async move { self.0.facts(token).await.map_err(|error| unavailable(&error)) })
    }
}

fn unavailable(error: &StorageError) -> TruthUnavailable {
    tracing::debug!(%error, "the blacklist could not ask the database");
    TruthUnavailable
}
