//! The clock of one node of two jumps. A node that is more than two seconds off the database's clock says that it is not
//! ready, so it is sent nothing that changes anything; it may take what is valid for expired or not yet valid, but never
//! accept what was revoked, and what it does harms nobody else. A process's own time never runs backwards.

use super::CALLERS;
use crate::{
    fleet::{Fleet, Launch},
    reading::claims,
    report::Row,
};
use serde_json::json;
use std::{fs, path::PathBuf};
use tests::{Backend, Database, PASSWORD, Server, service};

/// How far, and whether the node is well again by itself once the clock is right: after a leap ahead its time stands still
/// until it is reached again, so a long one wants a restart.
const JUMPS: [(&str, bool); 5] = [
    ("+4s", true),
    ("-4s", true),
    ("-30m", true),
    ("+30m", false),
    ("+13h", false),
];

/// A clock that libfaketime shows to one process.
struct FakeClock(PathBuf);

impl FakeClock {
    /// A clock that is right, in the folder of a database; and what makes a server read it.
    fn of(database: &Database, launch: &mut Launch) -> Self {
        let clock = Self(database.folder.path().join("clock"));
        clock.jumps("+0");
        launch.set("LD_PRELOAD", &service("KEYWARD_TEST_FAKETIME"));
        launch.set("FAKETIME_TIMESTAMP_FILE", &clock.0.display().to_string());
        launch.set("FAKETIME_NO_CACHE", "1");
        launch.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        clock
    }

    /// From now on it is off by so much.
    fn jumps(&self, by: &str) {
        let next = self.0.with_extension("next");
        fs::write(&next, by).unwrap();
        fs::rename(next, &self.0).unwrap();
    }
}

/// Two nodes on PostgreSQL and Redis; the clock of the second one jumps.
pub(crate) async fn under_load(rounds: u32, seed: u64) -> Row {
    let database = Database::create(Backend::Fleet);
    let launch = Launch::with(database.environment());
    let mut faked = launch.clone();
    let clock = FakeClock::of(&database, &mut faked);
    let name = "clock of one node of two off by 4 s, 30 min, 13 h";
    let mut fleet = Fleet::start(name, vec![launch, faked], CALLERS, seed);
    for (by, recovers) in JUMPS.iter().cycle().take(usize::try_from(rounds).unwrap()) {
        fleet.load();
        let before = fleet.chance.between(20, 100);
        fleet.stage.acknowledged(before).await;
        fleet.stage.serves(1, false);
        fleet.stage.wrong_time(1, true);
        clock.jumps(by);
        let said = fleet.until_ready(1, false).await;
        assert!(said.contains(r#""clock":"failed""#), "{said}");
        let meanwhile = fleet.chance.between(40, 150);
        fleet.stage.answers(meanwhile).await;
        fleet.checked_meanwhile().await;
        clock.jumps("+0");
        if !recovers {
            fleet.kill(1);
            fleet.start_again(1);
        }
        fleet.well_again().await;
        fleet.stage.wrong_time(1, false);
        fleet.stage.serves(1, true);
        let after = fleet.chance.between(20, 100);
        fleet.stage.answers(after).await;
        fleet.quiet().await;
        if !fleet.audited().await {
            break;
        }
    }
    fleet.finished().await
}

#[tokio::test]
async fn a_process_s_own_time_never_runs_backwards() {
    let database = Database::create(Backend::Sqlite);
    let mut launch = Launch::with(database.environment());
    let clock = FakeClock::of(&database, &mut launch);
    let server = Server::try_start(&launch.environment).unwrap_or_else(|log| panic!("{log}"));
    let who = json!({ "email": "ada@example.com", "password": PASSWORD });
    server.client().post("/register", &who).await.expect(201);
    let mut issued = Vec::new();
    for by in ["+0", "+1h", "+0", "-1h"] {
        clock.jumps(by);
        let answer = server.client().post("/login", &who).await.expect(200);
        let claims = claims(&answer.field("access_token")).unwrap();
        issued.push(claims["iat"].as_i64().unwrap());
    }
    assert!(
        issued[1] - issued[0] >= 3600,
        "the clock was not faked: {issued:?}"
    );
    assert!(issued.is_sorted(), "{issued:?}");
}
