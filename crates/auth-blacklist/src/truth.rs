//! The database, as far as the blacklist asks it. It is the truth; all else in this crate is a copy.

use auth_domain::{
    revocation::{Revocation, RevocationFacts, TokenRef},
    time::Timestamp,
};
use futures::future::BoxFuture;

/// What one read of `revocations` gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The live revocations (`until > database_now`), each with its `recorded_at`.
    pub revocations: Vec<(Revocation, Timestamp)>,
    /// The database's clock at the read.
    pub database_now: Timestamp,
}

/// The database did not answer; why is in the log of whoever asked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database can't be asked what was revoked")]
pub struct TruthUnavailable;

/// Where revocations are recorded. A read sees everything that was committed before it began.
pub trait Truth: Send + Sync + 'static {
    /// The live revocations recorded later than `after`, or all of them.
    ///
    /// # Errors
    /// [`TruthUnavailable`]; nothing is concluded from it.
    fn revocations_since(&self, after: Option<Timestamp>) -> BoxFuture<'_, Result<Batch, TruthUnavailable>>;

    /// What is recorded of one token.
    ///
    /// # Errors
    /// [`TruthUnavailable`]; nothing is concluded from it.
    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, TruthUnavailable>>;
}
