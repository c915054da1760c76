//! The servers of the configuration, as the blacklist uses them.

use super::{connection::Wire, finder::Finder, keys::Keys, urls::RedisUrls};
use crate::wire::{Connection, Connector, WireError};
use futures::{FutureExt, future::BoxFuture};
use std::sync::Arc;

/// The servers of the configuration.
pub struct Servers {
    finder: Finder,
    keys: Arc<Keys>,
}

impl Servers {
    /// The servers behind the URLs, with keys under the prefix. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the URLs.
    pub fn new(urls: &RedisUrls, prefix: &str) -> Result<Self, String> {
        let keys = Keys::new(prefix);
        Ok(Self {
            finder: Finder::new(urls, keys.sentinel())?,
            keys: Arc::new(keys),
        })
    }
}

impl Connector for Servers {
    fn connect(&self) -> BoxFuture<'_, Result<Arc<dyn Connection>, WireError>> {
        async {
            let found = self.finder.find().await?;
            let wire = Wire {
                connection: found.connection,
                keys: Arc::clone(&self.keys),
                tells_role: found.tells_role,
            };
            Ok(Arc::new(wire) as Arc<dyn Connection>)
        }
        .boxed()
    }
}
