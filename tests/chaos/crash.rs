//! Crashes under load. The rule: after each crash, everything that was acknowledged is still there on the same data.
//!
//! A seeded number of acknowledged answers goes by before the kill, so it meets requests at every stage.

use crate::{
    fleet::{Fleet, Launch},
    load::close,
    report::Row,
};
use tests::{Backend, Database};

/// How many callers.
const CALLERS: usize = 6;

/// `kill -9` of the one server on SQLite.
pub(crate) async fn of_the_embedded_server(rounds: u32, seed: u64) -> Row {
    let database = Database::create(Backend::Sqlite);
    let launch = Launch::with(database.environment());
    let mut fleet = Fleet::start("SQLite: kill -9 of the server", vec![launch], CALLERS, seed);
    for _ in 0..rounds {
        fleet.load();
        let before = fleet.random.between(20, 250);
        fleet.scenario.acknowledged(before).await;
        fleet.kill(0);
        fleet.stop_load().await;
        // What the server had not done when it was killed it never will.
        let now = fleet.scenario.now();
        close(fleet.callers(), now, now);
        fleet.start_again(0);
        fleet.recover().await;
        if !fleet.end_round().await {
            break;
        }
    }
    fleet.finish().await
}

#[cfg(feature = "services")]
pub(crate) use on_postgres::of_the_fleet;

#[cfg(feature = "services")]
mod on_postgres {
    use super::{Backend, CALLERS, Database, Fleet, Launch, Row};
    use crate::scenario::Allowed;
    use tests::{OwnPostgres, OwnRedis, PostgresCrash};

    /// What crashes.
    #[derive(Debug, Clone, Copy)]
    enum Crash {
        Node(usize),
        BothNodes,
        Postgres(PostgresCrash),
    }

    const ALL: [Crash; 6] = [
        Crash::Node(0),
        Crash::Node(1),
        Crash::BothNodes,
        Crash::Postgres(PostgresCrash::Backend),
        Crash::Postgres(PostgresCrash::Postmaster),
        Crash::Postgres(PostgresCrash::Immediate),
    ];

    /// In turn: `kill -9` of one node, of both, of a backend of PostgreSQL, of its postmaster, and `pg_ctl stop -m immediate`.
    pub(crate) async fn of_the_fleet(rounds: u32, seed: u64) -> Row {
        let (postgres, redis) = (OwnPostgres::start_durable(), OwnRedis::start());
        let database = Database::create(Backend::Fleet);
        let mut launch = Launch::with(database.environment());
        launch.set("DATABASE_URL", &postgres.url());
        launch.set("REDIS_URL", &redis.url());
        let name = "PostgreSQL and Redis, two nodes: kill -9 of a node, both nodes, a backend, the postmaster; immediate stop";
        let mut fleet = Fleet::start(name, vec![launch.clone(), launch], CALLERS, seed);
        for round in 0..rounds {
            let crash = ALL[usize::try_from(round).unwrap_or(0) % ALL.len()];
            fleet.load();
            let before = fleet.random.between(20, 250);
            fleet.scenario.acknowledged(before).await;
            match crash {
                Crash::Node(node) => {
                    fleet.kill(node);
                    let meanwhile = fleet.random.between(10, 60);
                    fleet.scenario.answers(meanwhile).await;
                    fleet.start_again(node);
                }
                Crash::BothNodes => {
                    fleet.kill(0);
                    fleet.kill(1);
                    fleet.stop_load().await;
                    fleet.start_again(0);
                    fleet.start_again(1);
                    fleet.load();
                }
                Crash::Postgres(how) => {
                    fleet.scenario.allow(Allowed::Outage);
                    postgres.crash(how);
                    let meanwhile = fleet.random.between(10, 60);
                    fleet.scenario.answers(meanwhile).await;
                    if how != PostgresCrash::Backend {
                        postgres.start_again();
                    }
                }
            }
            fleet.recover().await;
            let after = fleet.random.between(10, 60);
            fleet.scenario.acknowledged(after).await;
            fleet.stop_load().await;
            if !fleet.end_round().await {
                break;
            }
        }
        fleet.finish().await
    }
}
