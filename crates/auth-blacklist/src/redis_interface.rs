//! The interface to Redis. The server implements it over a real Redis, the simulation over one that loses data.

use crate::protocol::Sentinel;
use auth_domain::{
    revocation::{Revocation, RevocationFacts, TokenRef},
    time::Timestamp,
};
use auth_redis::RedisError;
use futures::future::BoxFuture;
use std::sync::Arc;

/// The result of a check's round trip to Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The revocations in Redis that concern the token.
    pub facts: RevocationFacts,
    /// The sentinel, read atomically with the revocations.
    pub sentinel: Option<Sentinel>,
}

/// One connection, which never reconnects by itself. A broken connection never recovers.
pub trait Connection: Send + Sync {
    /// Reads the token, the session, the user's least generation and the sentinel atomically.
    fn look_up(&self, token: TokenRef) -> BoxFuture<'_, Result<Lookup, RedisError>>;

    /// Checks that the server answers and is still the master, and reads the sentinel.
    fn probe(&self) -> BoxFuture<'_, Result<Option<Sentinel>, RedisError>>;

    /// Merges revocations into Redis: the larger generation and the later expiry win. `Ok` means that Redis has all of them.
    ///
    /// # Errors
    /// [`RedisError`]. Some of them, all or none may have been written.
    fn merge<'a>(
        &'a self,
        revocations: &'a [Revocation],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), RedisError>>;

    /// Sets the sentinel if there is none, and returns the sentinel that is then stored.
    fn set_sentinel_if_absent<'a>(
        &'a self,
        value: &'a Sentinel,
    ) -> BoxFuture<'a, Result<Option<Sentinel>, RedisError>>;

    /// A warning for the operator about the server's configuration, such as key eviction. It is asked for once for each connection.
    fn misconfiguration(&self) -> BoxFuture<'_, Option<String>>;
}

/// Connects to the one server that currently holds the keys.
pub trait Connector: Send + Sync + 'static {
    /// A new connection.
    ///
    /// # Errors
    /// [`RedisError`]. A replica is refused, too.
    fn connect(&self) -> BoxFuture<'_, Result<Arc<dyn Connection>, RedisError>>;
}
