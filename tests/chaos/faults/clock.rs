//! The clock of one of two nodes jumps. The rule: a node whose clock differs by more than two seconds from the database's is not ready,
//! and answers 503 wherever it would issue or check a token by that clock. The time of a process alone never runs backwards. With the
//! database's clock, a node gives up a time that had run ahead once the machine's clock is right.

use super::CALLERS;
use crate::{
    fleet::{Fleet, Launch},
    reading::claims,
    report::Row,
};
use serde_json::json;
use tests::{Backend, Database, FakeClock, PASSWORD, Server};

/// How far the clock jumps. Once it is right, the node recovers by itself.
const JUMPS: [&str; 5] = ["+4s", "-4s", "-30m", "+30m", "+13h"];

/// The launch of a server that reads a fake clock.
fn faked(database: &Database, mut launch: Launch) -> (FakeClock, Launch) {
    let (clock, variables) = FakeClock::of(database);
    for (name, value) in &variables {
        launch.set(name, value);
    }
    (clock, launch)
}

/// Two nodes on PostgreSQL and Redis; the clock of the second one jumps.
pub(crate) async fn under_load(rounds: u32, seed: u64) -> Row {
    let database = Database::create(Backend::Fleet);
    let launch = Launch::with(database.environment());
    let (clock, faked) = faked(&database, launch.clone());
    let name = "clock of one node of two off by 4 s, 30 min, 13 h";
    let mut fleet = Fleet::start(name, vec![launch, faked], CALLERS, seed);
    for by in JUMPS.iter().cycle().take(usize::try_from(rounds).unwrap()) {
        fleet.load();
        let before = fleet.random.between(20, 100);
        fleet.scenario.acknowledged(before).await;
        fleet.scenario.serves(1, false);
        fleet.scenario.wrong_time(1, true);
        clock.jumps(by);
        let said = fleet.until_ready(1, false).await;
        assert!(said.contains(r#""clock":"failed""#), "{said}");
        let meanwhile = fleet.random.between(40, 150);
        fleet.scenario.answers(meanwhile).await;
        fleet.check_during_fault().await;
        clock.jumps("+0");
        fleet.recover().await;
        fleet.scenario.wrong_time(1, false);
        fleet.scenario.serves(1, true);
        let after = fleet.random.between(20, 100);
        fleet.scenario.answers(after).await;
        fleet.stop_load().await;
        if !fleet.end_round().await {
            break;
        }
    }
    fleet.finish().await
}

#[tokio::test]
async fn the_time_of_a_process_never_runs_backwards() {
    let database = Database::create(Backend::Sqlite);
    let (clock, launch) = faked(&database, Launch::with(database.environment()));
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
