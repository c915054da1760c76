//! The blacklist's commands on one connection.

use super::keys::Keys;
use crate::{
    protocol::Sentinel,
    redis_interface::{Connection, Lookup},
};
use auth_domain::{
    revocation::{Revocation, RevocationFacts, TokenRef},
    time::Timestamp,
    user::Generation,
};
use auth_redis::RedisError;
use futures::{FutureExt, future::BoxFuture};
use std::sync::Arc;

/// Sent as text with every batch: a restarted server does not know the script by its hash, and the text costs some 20 µs a batch.
const MERGE: &str = include_str!("merge.lua");

/// A connection to the server that holds the keys.
pub(super) struct RedisConnection {
    pub(super) connection: auth_redis::Connection,
    pub(super) keys: Arc<Keys>,
}

impl RedisConnection {
    async fn sentinel(&self) -> Result<Option<Sentinel>, RedisError> {
        let value = self.connection.get(&self.keys.sentinel()).await?;
        Ok(value.map(Sentinel::new))
    }

    async fn merge(&self, revocations: &[Revocation], now: Timestamp) -> Result<(), RedisError> {
        let mut keys = Vec::with_capacity(revocations.len());
        let mut args = Vec::with_capacity(3 * revocations.len());
        for revocation in revocations {
            let (key, number) = self.keys.of_revocation(revocation);
            let left = (revocation.until - now).num_milliseconds().max(0);
            keys.push(key);
            // Truncation to milliseconds could end it up to one millisecond too early.
            args.extend([number, revocation.until.timestamp_millis() + 1, left + 1]);
        }
        self.connection.eval(MERGE, &keys, &args).await.map(drop)
    }
}

impl Connection for RedisConnection {
    fn look_up(&self, token: TokenRef) -> BoxFuture<'_, Result<Lookup, RedisError>> {
        async move {
            let [token, session, user] = self.keys.of_token(&token);
            let keys = [token, session, user, self.keys.sentinel()];
            let [token, session, least, sentinel] = self.connection.get_all(&keys).await?;
            let facts = RevocationFacts {
                token: token.is_some(),
                session: session.is_some(),
                least: least.map(|number| generation(&number)).transpose()?,
            };
            Ok(Lookup {
                facts,
                sentinel: sentinel.map(Sentinel::new),
            })
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<Option<Sentinel>, RedisError>> {
        async move {
            // The two commands are pipelined on one connection: one round trip.
            let (sentinel, master) = futures::join!(self.sentinel(), self.connection.check_master());
            master.and(sentinel)
        }
        .boxed()
    }

    fn merge<'a>(
        &'a self,
        revocations: &'a [Revocation],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), RedisError>> {
        self.merge(revocations, now).boxed()
    }

    fn set_sentinel_if_absent<'a>(
        &'a self,
        value: &'a Sentinel,
    ) -> BoxFuture<'a, Result<Option<Sentinel>, RedisError>> {
        async move {
            let key = self.keys.sentinel();
            self.connection.set_if_absent(&key, value.as_bytes()).await?;
            self.sentinel().await
        }
        .boxed()
    }

    fn misconfiguration(&self) -> BoxFuture<'_, Option<String>> {
        async move {
            let policy = self.connection.memory_policy().await?;
            (policy != "noeviction").then(|| eviction_warning(&policy))
        }
        .boxed()
    }
}

fn eviction_warning(policy: &str) -> String {
    format!(
        "Redis has maxmemory-policy {policy}: when its memory is full it evicts revocations, and a node that has not read such a \
         revocation from the database yet (blacklist.read_interval) would accept its token. Set maxmemory-policy to noeviction"
    )
}

fn generation(number: &[u8]) -> Result<Generation, RedisError> {
    let number = std::str::from_utf8(number)
        .ok()
        .and_then(|digits| digits.parse().ok());
    number
        .and_then(Generation::from_number)
        .ok_or_else(|| RedisError::Refused("the value of a user's key is not a generation".to_owned()))
}
