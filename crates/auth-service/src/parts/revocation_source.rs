//! The database as the blacklist's source of revocations.

use auth_blacklist::{RevocationBatch, RevocationSource, SourceUnavailable};
use auth_domain::{
    revocation::{RevocationFacts, TokenRef},
    time::Timestamp,
};
use auth_storage::{Storage, StorageError};
use futures::future::BoxFuture;

/// The revocations in the database.
#[derive(Clone)]
pub struct DatabaseRevocations(Storage);

impl DatabaseRevocations {
    /// The revocations of this storage.
    #[must_use]
    pub const fn new(storage: Storage) -> Self {
        Self(storage)
    }
}

impl RevocationSource for DatabaseRevocations {
    fn revocations_since(
        &self,
        after: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<RevocationBatch, SourceUnavailable>> {
        Box::pin(async move {
            let read = self
                .0
                .revocations_since(after)
                .await
                .map_err(|error| unavailable(&error))?;
            Ok(RevocationBatch {
                revocations: read.revocations,
                database_now: read.database_now,
            })
        })
    }

    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, SourceUnavailable>> {
        Box::pin(async move { self.0.facts(token).await.map_err(|error| unavailable(&error)) })
    }
}

fn unavailable(error: &StorageError) -> SourceUnavailable {
    tracing::debug!(%error, "the blacklist could not ask the database");
    SourceUnavailable
}
