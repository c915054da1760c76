//! What the blacklist asks of Redis, without saying how: the server speaks to a real one, the simulation to one that loses things.

use crate::protocol::Sentinel;
use auth_domain::{
    revocation::{Revocation, RevocationFacts, TokenRef},
    time::Timestamp,
};
use auth_redis::RedisError;
use futures::future::BoxFuture;
use std::sync::Arc;

/// What one round trip of a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What Redis has of the token.
    pub facts: RevocationFacts,
    /// What was under the sentinel's key at the same instant.
    pub sentinel: Option<Sentinel>,
}

/// One connection, which is never made anew behind the caller's back: once broken, it fails for good.
pub trait Connection: Send + Sync {
    /// The token, the session, the user's least generation and the sentinel, read at one instant of the server.
    ///
    /// # Errors
    /// [`RedisError`].
    fn look(&self, token: TokenRef) -> BoxFuture<'_, Result<Seen, RedisError>>;

    /// Whether the server is there and still the right one, and what is under the sentinel's key.
    ///
    /// # Errors
    /// [`RedisError`].
    fn probe(&self) -> BoxFuture<'_, Result<Option<Sentinel>, RedisError>>;

    /// Adds revocations to what Redis has: the larger generation and the later end win. `Ok` means that it has them.
    ///
    /// # Errors
    /// [`RedisError`]: some of them, all or none may have been written.
    fn merge<'a>(
        &'a self,
        revocations: &'a [Revocation],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), RedisError>>;

    /// Sets the sentinel if there is none; answers with what is there afterwards.
    ///
    /// # Errors
    /// [`RedisError`].
    fn plant<'a>(&'a self, value: &'a Sentinel) -> BoxFuture<'a, Result<Option<Sentinel>, RedisError>>;

    /// What the operator has to be told of how the server is set up, such as that it evicts keys; asked once a connection.
    fn complaint(&self) -> BoxFuture<'_, Option<String>>;
}

/// Makes connections to the one server that holds the keys at the moment.
pub trait Connector: Send + Sync + 'static {
    /// A new connection.
    ///
    /// # Errors
    /// [`RedisError`], also where the server found is a replica.
    fn connect(&self) -> BoxFuture<'_, Result<Arc<dyn Connection>, RedisError>>;
}
