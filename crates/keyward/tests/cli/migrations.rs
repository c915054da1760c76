//! `migrate`.

use crate::harness::{PASSWORD, Place};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

#[test]
fn the_schema_is_migrated_up_and_down_and_its_state_is_shown() {
    let place = Place::new();
    let states = || {
        let all = place.run(&["migrate", "status", "--json"]).json();
        all.as_array()
            .unwrap()
            .iter()
            .map(|one| one["applied"].as_bool().unwrap())
            .collect::<Vec<_>>()
    };
    assert!(!states().is_empty() && states().iter().all(|applied| !applied));
    assert!(place.run(&["migrate", "up"]).good().starts_with("applied "));
    assert!(states().iter().all(|applied| *applied));
    assert!(
        place
            .run(&["migrate", "up"])
            .good()
            .starts_with("nothing to apply")
    );
    assert!(place.run(&["migrate", "status"]).good().contains("applied"));
    for _ in states() {
        assert!(place.run(&["migrate", "down"]).good().starts_with("reverted "));
    }
    assert!(
        place
            .run(&["migrate", "down"])
            .good()
            .starts_with("nothing to revert")
    );
    assert!(states().iter().all(|applied| !applied));
}

#[test]
fn an_older_schema_is_refused_if_the_operator_migrates() {
    let place = Place::new().with("KEYWARD__DATABASE__AUTO_MIGRATE", "false");
    let create = ["user", "create", "ada@example.com", "--password-stdin"];
    for output in [
        place.run(&["serve"]).refused(1),
        place.run_with(&create, PASSWORD).refused(1),
    ] {
        assert!(output.contains("keyward migrate up"), "{output}");
    }
    place.run(&["migrate", "up"]).good();
    place.run_with(&create, PASSWORD).good();
}

#[test]
fn the_schema_is_not_reverted_while_a_server_runs() {
    let place = Place::new();
    let server = place.serve(&[]);
    assert!(
        place
            .run(&["migrate", "down"])
            .refused(1)
            .contains("stop it first")
    );
    drop(server);
    place.run(&["migrate", "down"]).good();
}

/// This happens after a node was frozen for more than a minute, or after a contract migration was applied with `--force`.
#[test]
fn a_server_stops_with_the_reason_once_it_may_not_serve_the_schema() {
    let place = Place::new();
    let server = place.serve(&[]);
    let file = place.data().join("keyward.db");
    let mut c = SqliteConnection::establish(&file.display().to_string()).unwrap();
    let floor = "INSERT OR REPLACE INTO settings (name, value) VALUES ('schema_floor', CAST('29990101000000' AS BLOB))";
    c.batch_execute(&format!("PRAGMA busy_timeout = 10000; {floor}"))
        .unwrap();
    let (code, log) = server.end();
    assert_eq!(code, 1, "{log}");
    let reason = "the database has the migration 29990101000000, which this version does not know";
    assert!(log.contains(reason) && log.contains("stopped"), "{log}");
    assert!(place.run(&["serve"]).refused(1).contains(reason));
}

#[test]
fn upgrade_check_shows_the_next_step() {
    let place = Place::new();
    let check = || place.run(&["upgrade", "check", "--json"]).json();
    let before = check();
    assert!(
        before["next"].as_str().unwrap().contains("keyward migrate up"),
        "{before}"
    );
    let pending = before["pending"].as_array().unwrap();
    assert!(!pending.is_empty() && pending.iter().all(|one| one["step"].is_string()));
    assert!(place.run(&["upgrade", "check"]).good().contains("next: "));
    place.run(&["migrate", "up", "--force"]).good();
    let after = check();
    assert_eq!(after["pending"].as_array().unwrap().len(), 0);
    assert_eq!(after["next"], "nothing: the schema is up to date");
    assert!(after["floor"].is_string(), "{after}");
    let shown = place.run(&["migrate", "status"]).good();
    assert!(
        shown.contains("applied, the floor") && shown.contains("contract"),
        "{shown}"
    );
}

#[test]
fn upgrade_check_says_whether_a_server_uses_the_database() {
    let place = Place::new();
    place.run(&["migrate", "status"]).good();
    let data = place.data();
    let files = std::fs::read_dir(&data).unwrap();
    let mut lock = files
        .map(|file| file.unwrap().path())
        .find(|file| file.extension().is_some_and(|ending| ending == "db"))
        .unwrap()
        .into_os_string();
    lock.push(".serve.lock");
    // A running server holds this lock.
    let server = std::fs::File::create(lock).unwrap();
    server.lock().unwrap();
    let check = || place.run(&["upgrade", "check", "--json"]).json();
    assert_eq!(check()["served_by_another"], true);
    drop(server);
    assert_eq!(check()["served_by_another"], false);
}
