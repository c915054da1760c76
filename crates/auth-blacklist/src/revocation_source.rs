//! The interface to the database, the authoritative source of revocations. Everything else in this crate is a copy of it.

use auth_domain::{
    revocation::{Revocation, RevocationFacts, TokenRef},
    time::Timestamp,
};
use futures::future::BoxFuture;

/// The result of one read of the table `revocations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationBatch {
    /// The revocations that have not lapsed (`until > database_now`), each with its `recorded_at`.
    pub revocations: Vec<(Revocation, Timestamp)>,
    /// The database's clock at the read.
    pub database_now: Timestamp,
}

/// The database did not answer. The implementation logs the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revocations can't be read from the database")]
pub struct SourceUnavailable;

/// The database that records revocations. A read sees everything that was committed before it began.
pub trait RevocationSource: Send + Sync + 'static {
    /// The revocations that have not lapsed and were recorded later than `after`; `None`: all that have not lapsed.
    ///
    /// # Errors
    /// [`SourceUnavailable`], from which nothing follows about any token.
    fn revocations_since(
        &self,
        after: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<RevocationBatch, SourceUnavailable>>;

    /// The revocations that concern one token.
    ///
    /// # Errors
    /// [`SourceUnavailable`], from which nothing follows about the token.
    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, SourceUnavailable>>;
}
