//! Two nodes that share their counters; without Redis, one process twice.

use auth_domain::time::Timestamp;
use auth_limits::{LimitStatus, Limits, LimitsConfig, Permit, TakeResult};

pub(crate) struct Fleet {
    pub(crate) nodes: [Limits; 2],
}

impl Fleet {
    pub(crate) fn of_one_process(config: LimitsConfig) -> Self {
        let node = Limits::new(config, None);
        Self {
            nodes: [node.clone(), node],
        }
    }

    #[cfg(feature = "services")]
    pub(crate) fn sharing_redis(mut config: LimitsConfig) -> Self {
        let url = std::env::var("KEYWARD_TEST_REDIS")
            .expect("KEYWARD_TEST_REDIS names the Redis for the feature `services`");
        // Other tests make the machine slow at the same time, so a short timeout would fail for no reason.
        config.timeout = std::time::Duration::from_secs(5);
        if config.redis_prefix == LimitsConfig::default().redis_prefix {
            config.redis_prefix = redis::new_prefix();
        }
        let node = || redis::node(&url, &config);
        Self {
            nodes: [node(), node()],
        }
    }

    /// Takes permits on the first node.
    pub(crate) async fn take(&self, permits: &[Permit], now: Timestamp) -> TakeResult {
        self.nodes[0].take(permits, now).await
    }

    /// How many of `tries` are granted, on both nodes in turn.
    pub(crate) async fn granted(&self, permits: &[Permit], now: Timestamp, tries: usize) -> usize {
        let mut granted = 0;
        for node in self.nodes.iter().cycle().take(tries) {
            granted += usize::from(node.take(permits, now).await.is_granted());
        }
        granted
    }

    /// The limit that refuses the permits.
    pub(crate) async fn refusal(&self, permits: &[Permit], now: Timestamp) -> LimitStatus {
        match self.take(permits, now).await {
            TakeResult::Refused(status) => status,
            TakeResult::Granted(statuses) => panic!("granted: {statuses:?}"),
        }
    }
}

#[cfg(feature = "services")]
pub(crate) mod redis {
    //! Nodes that count in a real Redis.

    use auth_limits::{Limits, LimitsConfig};
    use auth_redis::{RedisUrls, ScriptClient};
    use std::sync::Arc;

    /// A node that counts in this Redis. It connects at its first request.
    pub(crate) fn node(url: &str, config: &LimitsConfig) -> Limits {
        let urls = RedisUrls::parse(url).unwrap();
        let scripts = ScriptClient::new(&urls, config.probe_key());
        Limits::new(config.clone(), Some(Arc::new(scripts)))
    }

    /// A prefix that no other test uses.
    pub(crate) fn new_prefix() -> String {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).unwrap();
        uuid::Uuid::from_bytes(bytes).to_string()
    }
}
