//! What a blacklist promises, whatever it is made of: one suite, run for the copy in the process alone, for nodes that share
//! no more than the database, and (feature `services`) for nodes with a real Redis between them.

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

/// Two nodes on one database; the same one twice where there may be only one.
struct Fleet {
    ledger: Arc<Ledger>,
    nodes: [Blacklist; 2],
}

impl Fleet {
    async fn alone() -> Self {
        let ledger = Ledger::new();
        let truth = Arc::clone(&ledger) as _;
        let node = Blacklist::start(BlacklistConfig::default(), truth, None, Nodes::One, real_clock())
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
    async fn with_redis_between() -> Self {
        let url = std::env::var("KEYWARD_TEST_REDIS")
            .expect("KEYWARD_TEST_REDIS names the Redis for the feature `services`");
        let config = BlacklistConfig {
            redis_prefix: common::new_id().to_string(),
            // Tests that run beside this one make the machine slow; none of them is about that.
            timeout: Duration::from_secs(5),
            ..BlacklistConfig::default()
        };
        let fleet = Self::of_two(&config, Some(auth_redis::RedisUrls::parse(&url).unwrap())).await;
        // A revocation is answered once Redis has it: a node that is not connected yet asks the database.
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
            let truth = Arc::clone(&ledger) as _;
            Blacklist::start(config.clone(), truth, redis.clone(), Nodes::Many, real_clock())
        };
        let nodes = [start().await.unwrap(), start().await.unwrap()];
        Self { ledger, nodes }
    }

    /// Revokes on the first node; when it returns, it was answered.
    async fn revoke(&self, what: Revoked) {
        self.revoke_all(&[revocation(what)]).await;
    }

    async fn revoke_all(&self, revocations: &[Revocation]) {
        self.ledger.revoke(&self.nodes[0], revocations).await;
    }

    /// The verdict, the same on both nodes, and the same by the fast path where it gives one.
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

async fn what_nobody_revoked_stands(fleet: Fleet) {
    assert_eq!(fleet.verdict(new_token()).await, Verdict::Valid);
}

async fn a_revoked_token_is_refused_and_its_sibling_stands(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Token(token.token)).await;
    assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
    assert_eq!(fleet.verdict(sibling(token)).await, Verdict::Valid);
}

async fn an_ended_session_takes_all_its_tokens_along(fleet: Fleet) {
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

async fn a_raised_generation_cuts_exactly(fleet: Fleet) {
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

async fn a_lower_generation_and_an_earlier_end_take_nothing_back(fleet: Fleet) {
    let old = new_token();
    let (third, ninth) = (
        Generation::from_number(3).unwrap(),
        Generation::from_number(9).unwrap(),
    );
    // As digits, 10 sorts before 9.
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

async fn the_generation_is_named_first(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Token(token.token)).await;
    fleet.revoke(Revoked::Session(token.session)).await;
    fleet
        .revoke(Revoked::User(token.user, token.generation.raised()))
        .await;
    assert_eq!(fleet.verdict(token).await, Verdict::AllSessionsRevoked);
}

async fn a_thousand_revocations_are_answered_together(fleet: Fleet) {
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

async fn revoking_nothing_is_answered_at_once(fleet: Fleet) {
    let begun = std::time::Instant::now();
    fleet.revoke_all(&[]).await;
    assert!(begun.elapsed() < Duration::from_millis(50));
}

async fn a_node_that_was_stopped_still_refuses_what_was_revoked(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Token(token.token)).await;
    for node in &fleet.nodes {
        node.stop().await;
    }
    assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
    assert_eq!(fleet.verdict(new_token()).await, Verdict::Valid);
}

async fn what_was_revoked_is_refused_without_the_database(fleet: Fleet) {
    let token = new_token();
    fleet.revoke(Revoked::Session(token.session)).await;
    fleet.ledger.set_gone(true);
    assert_eq!(fleet.verdict(token).await, Verdict::Revoked);
}

async fn in_quiet_times_no_check_asks_the_database(fleet: Fleet) {
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
            what_nobody_revoked_stands,
            a_revoked_token_is_refused_and_its_sibling_stands,
            an_ended_session_takes_all_its_tokens_along,
            a_raised_generation_cuts_exactly,
            a_lower_generation_and_an_earlier_end_take_nothing_back,
            the_generation_is_named_first,
            a_thousand_revocations_are_answered_together,
            revoking_nothing_is_answered_at_once,
            a_node_that_was_stopped_still_refuses_what_was_revoked,
            what_was_revoked_is_refused_without_the_database,
            in_quiet_times_no_check_asks_the_database,
        ]);
    };
}

suite!(alone, super::Fleet::alone());
suite!(sharing_the_database, super::Fleet::sharing_the_database());
#[cfg(feature = "services")]
suite!(with_redis_between, super::Fleet::with_redis_between());
