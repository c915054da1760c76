//! Versions side by side, `make rolling`: programs of older commits and this one on one PostgreSQL and Redis under load. The schema is
//! expanded beneath the older nodes, a newer one joins them, they are replaced one by one, and back, and forth again. Nothing is
//! excused: no valid token may be refused, none that was revoked accepted, and every answer is a decision.
//!
//! `scripts/rolling.sh` builds the older programs and names them:
//!
//! - `KEYWARD_ROLLING_FROM`: one from before schemas had a floor. It goes on while the schema is expanded beneath it, and does not
//!   start on the newer schema again.
//! - `KEYWARD_ROLLING_BACK`: one that knows the floor. It starts on the newer schema, so there is a way back to it.

use crate::{
    fleet::{Fleet, Launch},
    report::{self, HEAD, Row, say},
};
use std::path::{Path, PathBuf};
use tests::{Backend, Database, Output, OwnPostgres, OwnRedis, binary, run_of};

/// How many callers.
const CALLERS: usize = 6;
/// How many calls are acknowledged in each state of the fleet before the next step.
const ACKNOWLEDGED: u64 = 250;

/// The backends that the older and the newer nodes share.
struct Place {
    _postgres: OwnPostgres,
    _redis: OwnRedis,
    launch: Launch,
}

impl Place {
    fn new() -> Self {
        let (postgres, redis) = (OwnPostgres::start_durable(), OwnRedis::start());
        let mut launch = Launch::with(Database::create(Backend::Fleet).environment());
        launch.set("DATABASE_URL", &postgres.url());
        launch.set("REDIS_URL", &redis.url());
        launch.set("KEYWARD__DATABASE__AUTO_MIGRATE", "false");
        Self {
            _postgres: postgres,
            _redis: redis,
            launch,
        }
    }

    /// The launch of a node of a program.
    fn node_of(&self, program: &Path) -> Launch {
        Launch {
            program: Some(program.to_owned()),
            ..self.launch.clone()
        }
    }

    /// Runs a command of a program while the load goes on.
    async fn command(&self, program: &Path, arguments: &'static [&'static str]) -> Output {
        let (program, environment) = (program.to_owned(), self.launch.environment.clone());
        tokio::task::spawn_blocking(move || run_of(&program, arguments, &environment, ""))
            .await
            .unwrap()
    }

    async fn migrate(&self, program: &Path) {
        let output = self.command(program, &["migrate", "up"]).await;
        assert_eq!(output.code, 0, "{output:?}");
        say(output.stdout.trim());
    }
}

/// Whether there is a way back to the older program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Back {
    Possible,
    Refused,
}

fn program(variable: &str) -> PathBuf {
    let named =
        std::env::var(variable).unwrap_or_else(|_| panic!("{variable} names a program: make rolling"));
    PathBuf::from(named)
}

/// Lets the load run for a while, and audits every account.
async fn run_load(fleet: &mut Fleet) {
    fleet.scenario.acknowledged(ACKNOWLEDGED).await;
    fleet.stop_load().await;
    fleet.end_round().await;
    fleet.load();
}

async fn roll(name: &'static str, older: &Path, back: Back, seed: u64) -> (Row, u32) {
    let place = Place::new();
    let (old, new) = (place.node_of(older), place.node_of(&binary()));
    place.migrate(older).await;
    let mut fleet = Fleet::start(name, vec![old.clone(), old.clone()], CALLERS, seed);
    let mut replaced = 0;
    fleet.load();
    run_load(&mut fleet).await;
    place.migrate(&binary()).await;
    run_load(&mut fleet).await;
    fleet.join(new.clone()).await;
    run_load(&mut fleet).await;
    let mut roll = async |fleet: &mut Fleet, nodes: &[usize], to: &Launch| {
        for node in nodes {
            if !fleet.scenario.is_broken() {
                fleet.replace(*node, to.clone()).await;
                replaced += 1;
                run_load(fleet).await;
            }
        }
    };
    roll(&mut fleet, &[0, 1], &new).await;
    match back {
        Back::Possible => {
            roll(&mut fleet, &[2, 0, 1], &old).await;
            roll(&mut fleet, &[1, 2, 0], &new).await;
        }
        Back::Refused => {
            let refused = tokio::task::spawn_blocking(move || old.try_start().map(drop)).await;
            let log = refused.unwrap().unwrap_err();
            assert!(log.contains("which this version does not know"), "{log}");
        }
    }
    (fleet.finish().await, replaced)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs older programs: make rolling"]
async fn an_older_version_and_this_one_serve_side_by_side_and_replace_each_other() {
    let (from, back) = (program("KEYWARD_ROLLING_FROM"), program("KEYWARD_ROLLING_BACK"));
    let seed = report::new_seed();
    let onward = roll("from before schema floors, onward", &from, Back::Refused, seed).await;
    let both = roll(
        "from the first that knows the floor, and back, and onward",
        &back,
        Back::Possible,
        seed,
    )
    .await;
    say(&format!("\nSeed {seed}.\n\n{HEAD}"));
    for (row, replaced) in [&onward, &both] {
        say(&row.markdown());
        say(&format!(
            "{replaced} nodes were replaced; {} refreshes",
            row.counts.refreshes
        ));
    }
    for (row, _) in [onward, both] {
        row.holds();
        assert_eq!(row.counts.open, 0, "answers that were no decisions");
    }
}
