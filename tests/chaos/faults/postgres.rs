//! Faults of PostgreSQL. The rule: without its database a node answers 503 with `Retry-After`, and still checks tokens while its memory
//! is fresh. An outage is never reported as a sign-out, tokens revoked before it stay refused, and once the cause is gone every node
//! recovers by itself (docs/rules.md §10).

use super::CALLERS;
use crate::{
    fleet::{Fleet, Launch},
    random::Random,
    report::Row,
    scenario::Allowed,
};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tests::{Backend, Database, LinkState, OwnPostgres, OwnRedis, PASSWORD, Proxy, Server};

/// A fault of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Stopped,
    Frozen,
    InRecovery,
    CutOffFromOneNode,
    /// The same without Redis, so the node does not learn what is revoked meanwhile.
    CutOffWithoutRedis,
    Slow,
}

impl Fault {
    pub(crate) const ALL: [Self; 6] = [
        Self::Stopped,
        Self::Frozen,
        Self::InRecovery,
        Self::CutOffFromOneNode,
        Self::CutOffWithoutRedis,
        Self::Slow,
    ];

    /// The faults of two nodes with a Redis.
    pub(crate) const WITH_REDIS: [Self; 5] = [
        Self::Stopped,
        Self::Frozen,
        Self::InRecovery,
        Self::CutOffFromOneNode,
        Self::Slow,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "PostgreSQL stopped and started",
            Self::Frozen => "PostgreSQL frozen (SIGSTOP)",
            Self::InRecovery => "PostgreSQL in recovery (a standby), then promoted",
            Self::CutOffFromOneNode => "PostgreSQL cut off from one node of two",
            Self::CutOffWithoutRedis => "PostgreSQL cut off from one node of two, no Redis",
            Self::Slow => "slow network to PostgreSQL (10 ms each way)",
        }
    }
}

/// Two nodes, each with its own proxy to PostgreSQL, and these faults in turn.
pub(crate) async fn under_load(faults: &[Fault], rounds: u32, seed: u64) -> Row {
    let (postgres, redis) = (OwnPostgres::start_durable(), OwnRedis::start());
    let database = Database::create(Backend::Fleet);
    let proxies = [Proxy::to(postgres.port()).await, Proxy::to(postgres.port()).await];
    let launch = |proxy: &Proxy| {
        let mut launch = Launch::with(database.environment());
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
        launch.set("DATABASE_URL", &url);
        let redis_url = if faults.contains(&Fault::CutOffWithoutRedis) {
            String::new()
        } else {
            redis.url()
        };
        launch.set("REDIS_URL", &redis_url);
        launch
    };
    let name = match faults {
        [one] => one.name(),
        _ => "PostgreSQL: every fault in turn",
    };
    let mut fleet = Fleet::start(name, proxies.iter().map(launch).collect(), CALLERS, seed);
    for fault in faults.iter().cycle().take(usize::try_from(rounds).unwrap()) {
        fleet.load();
        let before = fleet.random.between(40, 200);
        fleet.scenario.answers(before).await;
        let mut random = fleet.random.part();
        inject(*fault, &mut fleet, &postgres, &proxies, &mut random).await;
        fleet.recover().await;
        let after = fleet.random.between(40, 200);
        fleet.scenario.answers(after).await;
        fleet.stop_load().await;
        if !fleet.end_round().await {
            break;
        }
    }
    fleet.finish().await
}

async fn inject(
    fault: Fault,
    fleet: &mut Fleet,
    postgres: &OwnPostgres,
    proxies: &[Proxy; 2],
    random: &mut Random,
) {
    let scenario = Arc::clone(&fleet.scenario);
    let meanwhile = random.between(40, 120);
    match fault {
        Fault::Stopped => {
            scenario.allow(Allowed::Outage);
            postgres.stop();
            stale(fleet, &[0, 1]).await;
            scenario.answers(meanwhile).await;
            fleet.check_during_fault().await;
            postgres.start_again();
        }
        Fault::Frozen => {
            scenario.allow(Allowed::Outage);
            postgres.freeze();
            stale(fleet, &[0, 1]).await;
            // Requests that wait for the database are answered after some ten seconds, or once it is thawed.
            scenario.answers(meanwhile / 20).await;
            postgres.thaw();
        }
        Fault::InRecovery => {
            scenario.allow(Allowed::Outage);
            postgres.demote();
            stale(fleet, &[0, 1]).await;
            scenario.answers(meanwhile).await;
            fleet.check_during_fault().await;
            postgres.promote();
        }
        Fault::CutOffFromOneNode | Fault::CutOffWithoutRedis => {
            scenario.allow(Allowed::Outage);
            let node = random.below(2);
            proxies[node].set_state(if random.once_in(2) {
                LinkState::Silent
            } else {
                LinkState::Shut
            });
            stale(fleet, &[node]).await;
            // It is not ready, so it gets checks only. The other node serves all calls, and signs users out meanwhile.
            scenario.serves(node, false);
            scenario.acknowledged(meanwhile / 2).await;
            fleet.check_during_fault().await;
            proxies[node].set_state(LinkState::Open);
            fleet.until_ready(node, true).await;
            scenario.serves(node, true);
        }
        Fault::Slow => {
            for proxy in proxies {
                proxy.set_state(LinkState::Slow(Duration::from_millis(10)));
            }
            scenario.answers(meanwhile).await;
            fleet.check_during_fault().await;
            for proxy in proxies {
                proxy.set_state(LinkState::Open);
            }
        }
    }
}

/// Waits until these nodes report that they are not ready and that their revocations are too old to decide.
async fn stale(fleet: &Fleet, nodes: &[usize]) {
    for node in nodes {
        while !fleet
            .until_ready(*node, false)
            .await
            .contains(r#""blacklist":"failed""#)
        {
            if fleet.scenario.is_broken() {
                return;
            }
        }
    }
}

/// The memory stays fresh for longer than the test takes, so the test does not depend on its speed.
#[tokio::test]
async fn tokens_are_checked_without_the_database_while_memory_is_fresh() {
    let postgres = OwnPostgres::start();
    let database = Database::create(Backend::Postgres);
    let (url, fresh) = (postgres.url(), "300s");
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("KEYWARD__BLACKLIST__MAX_STALENESS", fresh),
    ];
    let server = Server::start(&database, &settings);
    let who = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = server.client().post("/register", &who).await.expect(201);
    let signed_in = server.client().with_bearer(&tokens.field("access_token"));
    let begun = Instant::now();
    while server.client().get("/health/ready").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", server.log());
    }
    postgres.stop();
    for _ in 0..20 {
        signed_in.get("/verify").await.expect(204);
        server.client().post("/login", &who).await.expect(503);
    }
}
