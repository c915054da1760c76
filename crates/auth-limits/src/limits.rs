//! Takes permits, all or none, from the counters in use: Redis, or the process while Redis is unavailable.

use crate::{
    config::LimitsConfig,
    local_counters::LocalCounters,
    permit::{Permit, PermitRequest},
    redis_counters::RedisCounters,
    script_runner::ScriptRunner,
    take_result::TakeResult,
};
use auth_domain::time::Timestamp;
use auth_redis::{RedisUrls, ScriptClient};
use std::sync::Arc;

/// The limits of one node. Cheap to clone: clones share the counters.
#[derive(Clone)]
pub struct Limits {
    inner: Arc<Inner>,
}

struct Inner {
    config: LimitsConfig,
    local: LocalCounters,
    redis: Option<RedisCounters>,
}

impl Limits {
    /// Limits that are counted in Redis, or in this process where there is no Redis. The connection is made now, so that the first
    /// request need not wait for it. While it can't be made, the process counts.
    pub async fn start(config: LimitsConfig, redis: Option<&RedisUrls>) -> Self {
        let Some(urls) = redis else {
            return Self::new(config, None);
        };
        let scripts = ScriptClient::new(urls, config.probe_key());
        let _warm = scripts.eval("return {}", &[], &[]).await;
        Self::new(config, Some(Arc::new(scripts)))
    }

    /// Like [`Self::start`], with any script runner. Tests pass one that fails.
    #[must_use]
    pub fn new(config: LimitsConfig, runner: Option<Arc<dyn ScriptRunner>>) -> Self {
        let inner = Inner {
            local: LocalCounters::new(config.max_keys),
            redis: runner.map(|runner| RedisCounters::new(runner, &config)),
            config,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes all permits, or none if one of their limits refuses. A permit that is listed twice takes two units.
    pub async fn take(&self, permits: &[Permit], now: Timestamp) -> TakeResult {
        let requests = self.requests(permits);
        if requests.is_empty() {
            return TakeResult::Granted(Vec::new());
        }
        let decisions = match &self.inner.redis {
            Some(redis) => redis.take(&requests, now).await,
            None => None,
        };
        let decisions = decisions.unwrap_or_else(|| self.inner.local.take(&requests, now));
        TakeResult::of(&requests, &decisions)
    }

    /// Gives back permits that a request took and did not need. If Redis became unavailable or available in between, the refund may
    /// go to the other counters than the permit came from: at most once for each request.
    pub async fn refund(&self, permits: &[Permit], now: Timestamp) {
        let requests = self.requests(permits);
        if requests.is_empty() {
            return;
        }
        let refunded = match &self.inner.redis {
            Some(redis) => redis.refund(&requests, now).await,
            None => None,
        };
        if refunded.is_none() {
            self.inner.local.refund(&requests);
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &LimitsConfig {
        &self.inner.config
    }

    /// The permits with their limits; none if limits are disabled.
    fn requests<'a>(&self, permits: &'a [Permit]) -> Vec<PermitRequest<'a>> {
        let config = &self.inner.config;
        let counted = if config.enabled { permits } else { &[] };
        counted
            .iter()
            .map(|permit| PermitRequest {
                permit,
                limit: config.limit(permit.name()),
            })
            .collect()
    }
}
