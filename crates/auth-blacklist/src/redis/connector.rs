//! Connects to the configured servers for the blacklist.

use super::{connection::RedisConnection, keys::Keys};
use crate::redis_interface::{Connection, Connector};
use auth_redis::{RedisError, RedisUrls, Servers};
use futures::{FutureExt, future::BoxFuture};
use std::sync::Arc;

/// Connects to the configured server that holds the blacklist's keys.
pub struct RedisConnector {
    servers: Servers,
    keys: Arc<Keys>,
}

impl RedisConnector {
    /// A connector to the servers behind the URLs, with keys under the prefix. Nothing is connected yet.
    #[must_use]
    pub fn new(urls: &RedisUrls, prefix: &str) -> Self {
        let keys = Keys::new(prefix);
        Self {
            servers: Servers::new(urls, keys.sentinel()),
            keys: Arc::new(keys),
        }
    }
}

impl Connector for RedisConnector {
    fn connect(&self) -> BoxFuture<'_, Result<Arc<dyn Connection>, RedisError>> {
        async {
            let connection = RedisConnection {
                connection: self.servers.connect().await?,
                keys: Arc::clone(&self.keys),
            };
            Ok(Arc::new(connection) as Arc<dyn Connection>)
        }
        .boxed()
    }
}
