//! Faults of Redis. The rule: Redis is only a copy, so with every fault each request is decided. There is no 503, no valid token is
//! refused, and no revoked token is accepted (docs/rules.md §1). Only decisions are allowed here.

use super::CALLERS;
use crate::{
    fleet::{Fleet, Launch},
    random::Random,
    report::Row,
};
use std::{sync::Arc, time::Duration};
use tests::{Backend, Database, LinkState, OwnRedis, Proxy};

/// A fault of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Killed,
    Frozen,
    Flushed,
    OldSnapshot,
    CutOffFromOneNode,
    Slow,
}

impl Fault {
    pub(crate) const ALL: [Self; 6] = [
        Self::Killed,
        Self::Frozen,
        Self::Flushed,
        Self::OldSnapshot,
        Self::CutOffFromOneNode,
        Self::Slow,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Killed => "Redis killed and started empty",
            Self::Frozen => "Redis frozen (SIGSTOP)",
            Self::Flushed => "Redis flushed again and again",
            Self::OldSnapshot => "Redis restarted from an old snapshot",
            Self::CutOffFromOneNode => "Redis cut off from one node of two",
            Self::Slow => "slow network to Redis (20 ms, then 80 ms each way)",
        }
    }
}

/// Two nodes on PostgreSQL and Redis, each with its own proxy to Redis, and these faults in turn.
pub(crate) async fn under_load(faults: &[Fault], rounds: u32, seed: u64) -> Row {
    let database = Database::create(Backend::Fleet);
    let mut redis = OwnRedis::start();
    let proxies = [Proxy::to(redis.port()).await, Proxy::to(redis.port()).await];
    let launch = |proxy: &Proxy| {
        let mut launch = Launch::with(database.environment());
        launch.set("REDIS_URL", &format!("redis://127.0.0.1:{}/0", proxy.port()));
        launch
    };
    let name = match faults {
        [one] => one.name(),
        _ => "Redis: every fault in turn",
    };
    let mut fleet = Fleet::start(name, proxies.iter().map(launch).collect(), CALLERS, seed);
    for fault in faults.iter().cycle().take(usize::try_from(rounds).unwrap()) {
        fleet.load();
        let before = fleet.random.between(20, 150);
        fleet.scenario.acknowledged(before).await;
        let mut random = fleet.random.part();
        inject(*fault, &mut fleet, &mut redis, &proxies, &mut random).await;
        fleet.recover().await;
        let after = fleet.random.between(20, 150);
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
    redis: &mut OwnRedis,
    proxies: &[Proxy; 2],
    random: &mut Random,
) {
    let scenario = Arc::clone(&fleet.scenario);
    let meanwhile = random.between(60, 200);
    match fault {
        Fault::Killed => {
            redis.kill();
            scenario.answers(meanwhile).await;
            fleet.check_during_fault().await;
            redis.start_again();
        }
        Fault::Frozen => {
            redis.freeze();
            scenario.answers(meanwhile).await;
            fleet.check_during_fault().await;
            redis.thaw();
        }
        Fault::Flushed => {
            // Far more often than nodes read (500 ms): an entry is gone before the other node has read it.
            for _ in 0..20 {
                assert_eq!(redis.command("FLUSHALL"), "+OK\r\n");
                scenario.answers(meanwhile / 6).await;
            }
            fleet.check_during_fault().await;
        }
        Fault::OldSnapshot => {
            redis.snapshot();
            scenario.answers(meanwhile).await;
            redis.kill();
            redis.start_again();
            fleet.check_during_fault().await;
        }
        Fault::CutOffFromOneNode => {
            let (node, state) = if random.once_in(2) {
                (0, LinkState::Silent)
            } else {
                (1, LinkState::Shut)
            };
            proxies[node].set_state(state);
            scenario.answers(meanwhile).await;
            fleet.check_during_fault().await;
            proxies[node].set_state(LinkState::Open);
        }
        Fault::Slow => {
            for delay in [20, 80] {
                for proxy in proxies {
                    proxy.set_state(LinkState::Slow(Duration::from_millis(delay)));
                }
                scenario.answers(meanwhile / 2).await;
            }
            fleet.check_during_fault().await;
            for proxy in proxies {
                proxy.set_state(LinkState::Open);
            }
        }
    }
}
