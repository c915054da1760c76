//! Taking, all or none, from whatever has the counters at the moment.

use crate::{
    claim::{Asked, Claim},
    config::LimitsConfig,
    process::Process,
    remote::Remote,
    script_runner::ScriptRunner,
    taken::Taken,
};
use auth_domain::time::Timestamp;
use auth_redis::{RedisUrls, Scripts};
use std::sync::Arc;

/// The limits of one node. Cheap to clone: all clones count together.
#[derive(Clone)]
pub struct Limits {
    inner: Arc<Inner>,
}

struct Inner {
    config: LimitsConfig,
    process: Process,
    remote: Option<Remote>,
}

impl Limits {
    /// The limits, counted in the Redis behind the URLs, or in this process where there is none. The connection is made now, so
    /// that the first request need not wait for it; while there is none, the process counts.
    pub async fn start(config: LimitsConfig, redis: Option<&RedisUrls>) -> Self {
        let Some(urls) = redis else {
            return Self::new(config, None);
        };
        let scripts = Scripts::new(urls, config.probe_key());
        let _warm = scripts.eval("return {}", &[], &[]).await;
        Self::new(config, Some(Arc::new(scripts)))
    }

    /// The same over any way to run scripts. Tests bring one that fails.
    #[must_use]
    pub fn new(config: LimitsConfig, runner: Option<Arc<dyn ScriptRunner>>) -> Self {
        let inner = Inner {
            process: Process::new(config.max_keys),
            remote: runner.map(|runner| Remote::new(runner, &config)),
            config,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes a unit of each claim's limit, or of none if one of them refuses. A claim that is there twice takes two.
    pub async fn take(&self, claims: &[Claim], now: Timestamp) -> Taken {
        let asked = self.asked(claims);
        if asked.is_empty() {
            return Taken::Granted(Vec::new());
        }
        let decisions = match &self.inner.remote {
            Some(remote) => remote.take(&asked, now).await,
            None => None,
        };
        let decisions = decisions.unwrap_or_else(|| self.inner.process.take(&asked, now));
        Taken::of(&asked, &decisions)
    }

    /// Gives one unit of each back that a request took and, as it turned out, did not use. Where Redis went or came back in
    /// between, the unit may stay taken on the one side and be given on the other, once a request.
    pub async fn refund(&self, claims: &[Claim], now: Timestamp) {
        let asked = self.asked(claims);
        if asked.is_empty() {
            return;
        }
        let given = match &self.inner.remote {
            Some(remote) => remote.refund(&asked, now).await,
            None => None,
        };
        if given.is_none() {
            self.inner.process.refund(&asked);
        }
    }

    /// What the operator set.
    #[must_use]
    pub fn config(&self) -> &LimitsConfig {
        &self.inner.config
    }

    /// The claims with their limits; none where limits are turned off.
    fn asked<'a>(&self, claims: &'a [Claim]) -> Vec<Asked<'a>> {
        let config = &self.inner.config;
        let counted = if config.enabled { claims } else { &[] };
        counted
            .iter()
            .map(|claim| Asked {
                claim,
                limit: config.limit(claim.name()),
            })
            .collect()
    }
}
