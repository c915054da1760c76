//! Two nodes under observation: a revoked token is never accepted, a valid one never refused.

use crate::common::{Ledger, new_id, new_token, real_clock, revocation, sibling};
use auth_blacklist::{Blacklist, BlacklistConfig, Nodes, RedisHealth};
use auth_domain::revocation::{Revoked, TokenRef, Verdict};
use auth_redis::RedisUrls;
use chrono::Utc;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

pub(crate) async fn start(ledger: &Arc<Ledger>, urls: &str, prefix: &str) -> Blacklist {
    let config = BlacklistConfig {
        redis_prefix: prefix.to_owned(),
        ..BlacklistConfig::default()
    };
    let urls = RedisUrls::parse(urls).unwrap();
    Blacklist::start(
        config,
        Arc::clone(ledger) as _,
        Some(urls),
        Nodes::Many,
        real_clock(),
    )
    .await
    .unwrap()
}

/// Waits until a condition is true; fails after ten seconds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) struct Watch {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) nodes: [Blacklist; 2],
    pub(crate) prefix: String,
    revoked: Mutex<Vec<TokenRef>>,
    valid: TokenRef,
}

impl Watch {
    /// Two nodes with these servers, once both use Redis.
    pub(crate) async fn over(urls: &str) -> Self {
        let ledger = Ledger::new();
        let prefix = format!("test-{}", new_id());
        let nodes = [
            start(&ledger, urls, &prefix).await,
            start(&ledger, urls, &prefix).await,
        ];
        let watch = Self {
            ledger,
            nodes,
            prefix,
            revoked: Mutex::default(),
            valid: new_token(),
        };
        watch.recovers().await;
        watch
    }

    /// Ends a session on the first node, and checks that both nodes then refuse its token.
    pub(crate) async fn revoke(&self) {
        let token = new_token();
        assert_eq!(self.nodes[1].check(token, Utc::now()).await, Ok(Verdict::Valid));
        self.ledger
            .revoke(&self.nodes[0], &[revocation(Revoked::Session(token.session))])
            .await;
        self.revoked.lock().unwrap().push(token);
        self.look().await;
    }

    /// Checks a sibling of the last revoked token and a valid token, on both nodes.
    pub(crate) async fn look(&self) {
        let last = self.revoked.lock().unwrap().last().copied();
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(token) = last {
                assert_eq!(
                    node.check(sibling(token), Utc::now()).await,
                    Ok(Verdict::Revoked),
                    "on node {number}"
                );
            }
            assert_eq!(
                node.check(self.valid, Utc::now()).await,
                Ok(Verdict::Valid),
                "on node {number}"
            );
        }
    }

    pub(crate) async fn look_for(&self, length: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < length {
            self.look().await;
            tokio::task::yield_now().await;
        }
    }

    /// Waits until both nodes use Redis again, so that checks no longer ask the database.
    pub(crate) async fn recovers(&self) {
        let begun = Instant::now();
        loop {
            let asked = self.ledger.asked();
            let mut right = true;
            for node in &self.nodes {
                right &= node.check(self.valid, Utc::now()).await == Ok(Verdict::Valid);
                right &= node.health().redis == RedisHealth::Up;
            }
            if right && self.ledger.asked() == asked {
                break;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "Redis is not used again"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let revoked = self.revoked.lock().unwrap().clone();
        for token in revoked {
            for node in &self.nodes {
                assert_eq!(node.check(token, Utc::now()).await, Ok(Verdict::Revoked));
            }
        }
    }
}
