//! The contract of the blacklist: one suite, run for a single process, for nodes that share only the database, and (feature `services`)
//! for nodes that share a real Redis, too.

#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;

use auth_blacklist::{Blacklist, BlacklistConfig, Nodes};
use auth_domain::{
    revocation::{Revocation, Revoked, TokenRef, Verdict},
    time::Span,
    user::Generation,
};
use chrono::Utc;
use common::{Ledger, new_token, real_clock, revocation, revocation_for, sibling};
use std::{sync::Arc, time::Duration};

/// Two nodes on one database; the same node twice if there may be only one.
struct Fleet {
    ledger: Arc<Ledger>,
    nodes: [Blacklist; 2],
}

impl Fleet {
    async fn alone() -> Self {
        let ledger = Ledger::new();
        let source = Arc::clone(&ledger) as _;
        let node = Blacklist::start(BlacklistConfig::default(), source, None, Nodes::One, real_clock())
            .await
            .unwrap();
        Self {
            ledger,
            nodes: [node.clone(), node],
        }
    }

    async fn sharing_the_database() -> Self {
        let config = BlacklistConfig {
            read_interval: Duration::from_millis(20),
            max_staleness: Duration::from_millis(100),
            ..BlacklistConfig::default()
        };
        Self::of_two(&config, None).await
    }

    #[cfg(feature = "services")]
    async fn sharing_redis() -> Self {
        let url = std::env::var("KEYWARD_TEST_REDIS")
            .expect("KEYWARD_TEST_REDIS names the Redis for the feature `services`");
        let config = BlacklistConfig {
            redis_prefix: common::new_id().to_string(),
            // Other tests make the machine slow at the same time, so a short timeout would fail for no reason.
            timeout: Duration::from_secs(5),
            ..BlacklistConfig::default()
        };
        let fleet = Self::of_two(&config, Some(auth_redis::RedisUrls::parse(&url).unwrap())).await;
        // Wait until both nodes are connected: until then they ask the database.
        let begun = std::time::Instant::now();
        let is_up = |node: &Blacklist| node.health().redis == auth_blacklist::RedisHealth::Up;
        while !fleet.nodes.iter().all(is_up) {
            assert!(begun.elapsed() < Duration::from_secs(10), "Redis does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fleet
    }

    async fn of_two(config: &BlacklistConfig, redis: Option<auth_redis::RedisUrls>) -> Self {
        let ledger = Ledger::new();
        let start = || {
            let source = Arc::clone(&ledger) as _;
            Blacklist::start(config.clone(), source, redis.clone(), Nodes::Many, real_clock())
        };
        let nodes = [start().await.unwrap(), start().await.unwrap()];
        Self { ledger, nodes }
    }

    /// Revokes on the first node, and returns when the revocation is announced.
    async fn revoke(&self, what: Revoked) {
        self.revoke_all(&[revocation(what)]).await;
    }

    async fn revoke_all(&self, revocations: &[Revocation]) {
        self.ledger.revoke(&self.nodes[0], revocations).await;
    }

    /// The verdict. It must be the same on both nodes and, if the fast path gives one, the same there.
    async fn verdict(&self, token: TokenRef) -> Verdict {
        let [one, other] = &self.nodes;
        let verdict = one.check(token, Utc::now()).await.unwrap();
        assert_eq!(other.check(token, Utc::now()).await, Ok(verdict));
        for node in &self.nodes {
            assert!(
                node.check_local(token, Utc::now())
                    .is_none_or(|quick| quick == verdict)
            );
        }
        verdict
    }
}

async fn a_token_that_was_not_revoked_is_valid(fleet: Fleet) {
    assert_eq!(fleet.verdict(new_token()).await, Verdict::Valid);
}

async fn a_revoked_token_is_refused_and_its_sibling_is_valid(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Token(token.token)).await;
    assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
    assert_eq!(fleet.verdict(sibling(token)).await, Verdict::Valid);
}

async fn an_ended_session_revokes_all_its_tokens(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Session(token.session)).await;
    assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
    assert_eq!(fleet.verdict(sibling(token)).await, Verdict::Revoked);
    assert_eq!(
        fleet
            .verdict(TokenRef {
                session: new_token().session,
                ..token
            })
            .await,
        Verdict::Valid
    );
}

async fn a_raised_generation_revokes_exactly_the_earlier_tokens(fleet: Fleet) {
    let old = new_token();
    let raised = old.generation.raised();
    fleet.revoke(Revoked::User(old.user, raised)).await;
    assert_eq!(fleet.verdict(old).await, Verdict::AllSessionsRevoked);
    assert_eq!(
        fleet
            .verdict(TokenRef {
                generation: raised,
                ..old
            })
            .await,
        Verdict::Valid
    );
    fleet.revoke(Revoked::User(old.user, Generation::DELETED)).await;
    assert_eq!(
        fleet
            .verdict(TokenRef {
                generation: raised,
                ..old
            })
            .await,
        Verdict::AllSessionsRevoked
    );
}

async fn a_lower_generation_and_an_earlier_expiry_withdraw_nothing(fleet: Fleet) {
    let old = new_token();
    let (third, ninth) = (
        Generation::from_number(3).unwrap(),
        Generation::from_number(9).unwrap(),
    );
    // Compared as text, 10 is less than 9.
    let tenth = ninth.raised();
    fleet.revoke(Revoked::User(old.user, tenth)).await;
    for least in [ninth, third] {
        fleet
            .revoke_all(&[revocation_for(Revoked::User(old.user, least), Span::seconds(1))])
            .await;
    }
    assert_eq!(
        fleet
            .verdict(TokenRef {
                generation: ninth,
                ..old
            })
            .await,
        Verdict::AllSessionsRevoked
    );
    assert_eq!(
        fleet
            .verdict(TokenRef {
                generation: tenth,
                ..old
            })
            .await,
        Verdict::Valid
    );
}

async fn the_verdict_on_the_generation_takes_precedence(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Token(token.token)).await;
    fleet.revoke(Revoked::Session(token.session)).await;
    fleet
        .revoke(Revoked::User(token.user, token.generation.raised()))
        .await;
    assert_eq!(fleet.verdict(token).await, Verdict::AllSessionsRevoked);
}

async fn a_thousand_revocations_are_announced_together(fleet: Fleet) {
    let tokens: Vec<TokenRef> = std::iter::repeat_with(new_token).take(1_000).collect();
    let revocations: Vec<Revocation> = tokens
        .iter()
        .map(|token| revocation(Revoked::Token(token.token)))
        .collect();
    fleet.revoke_all(&revocations).await;
    for token in tokens.into_iter().step_by(37) {
        assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
    }
}

async fn announcing_nothing_returns_at_once(fleet: Fleet) {
    let begun = std::time::Instant::now();
    fleet.revoke_all(&[]).await;
    assert!(begun.elapsed() < Duration::from_millis(50));
}

async fn a_stopped_node_still_refuses_a_revoked_token(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Token(token.token)).await;
    for node in &fleet.nodes {
        node.stop().await;
    }
    assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
    assert_eq!(fleet.verdict(new_token()).await, Verdict::Valid);
}

async fn a_revoked_token_is_refused_without_the_database(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Session(token.session)).await;
    fleet.ledger.set_unavailable(true);
    assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
}

async fn in_normal_operation_no_check_asks_the_database(fleet: Fleet) {
    let begun = std::time::Instant::now();
    loop {
        let asked = fleet.ledger.asked();
        assert_eq!(fleet.verdict(new_token()).await, Verdict::Valid);
        if fleet.ledger.asked() == asked {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

macro_rules! suite {
    ($backend:ident, $fleet:expr, [$($statement:ident),* $(,)?]) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $statement() {
                    super::$statement($fleet.await).await;
                }
            )*
        }
    };
    ($backend:ident, $fleet:expr) => {
        suite!($backend, $fleet, [
            a_token_that_was_not_revoked_is_valid,
            a_revoked_token_is_refused_and_its_sibling_is_valid,
            an_ended_session_revokes_all_its_tokens,
            a_raised_generation_revokes_exactly_the_earlier_tokens,
            a_lower_generation_and_an_earlier_expiry_withdraw_nothing,
            the_verdict_on_the_generation_takes_precedence,
            a_thousand_revocations_are_announced_together,
            announcing_nothing_returns_at_once,
            a_stopped_node_still_refuses_a_revoked_token,
            a_revoked_token_is_refused_without_the_database,
            in_normal_operation_no_check_asks_the_database,
        ]);
    };
}

suite!(alone, super::Fleet::alone());
suite!(sharing_the_database, super::Fleet::sharing_the_database());
#[cfg(feature = "services")]
suite!(sharing_redis, super::Fleet::sharing_redis());
