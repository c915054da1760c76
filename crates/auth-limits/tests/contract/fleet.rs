//! Two nodes that count together; the same one twice where there is one process.

use auth_domain::time::Timestamp;
use auth_limits::{Claim, Limits, LimitsConfig, Standing, Taken};

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
        // Tests that run beside this one make the machine slow; none of them is about that.
        config.timeout = std::time::Duration::from_secs(5);
        if config.redis_prefix == LimitsConfig::default().redis_prefix {
            config.redis_prefix = redis::new_prefix();
        }
        let node = || redis::node(&url, &config);
        Self {
            nodes: [node(), node()],
        }
    }

    /// Takes on the first node.
    pub(crate) async fn take(&self, claims: &[Claim], now: Timestamp) -> Taken {
        self.nodes[0].take(claims, now).await
    }

    /// How many of so many tries are granted, on both nodes in turn.
    pub(crate) async fn granted(&self, claims: &[Claim], now: Timestamp, tries: usize) -> usize {
        let mut granted = 0;
        for node in self.nodes.iter().cycle().take(tries) {
            granted += usize::from(node.take(claims, now).await.is_granted());
        }
        granted
    }

    /// What refuses.
    pub(crate) async fn refusal(&self, claims: &[Claim], now: Timestamp) -> Standing {
        match self.take(claims, now).await {
            Taken::Refused(standing) => standing,
            Taken::Granted(standings) => panic!("granted: {standings:?}"),
        }
    }
}

#[cfg(feature = "services")]
pub(crate) mod redis {
    //! The counters' way to the real Redis.

    use auth_limits::{Limits, LimitsConfig};
    use auth_redis::{RedisUrls, Scripts};
    use std::sync::Arc;

    /// A node that counts in this Redis. It connects when it first counts.
    pub(crate) fn node(url: &str, config: &LimitsConfig) -> Limits {
        let urls = RedisUrls::parse(url).unwrap();
        let scripts = Scripts::new(&urls, config.probe_key());
        Limits::new(config.clone(), Some(Arc::new(scripts)))
    }

    /// One that no other test uses.
    pub(crate) fn new_prefix() -> String {
        let mut chance = [0; 16];
        getrandom::fill(&mut chance).unwrap();
        uuid::Uuid::from_bytes(chance).to_string()
    }
}
