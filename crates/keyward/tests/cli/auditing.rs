//! `audit`: what it lists, and what it finds when the log is changed in the database directly.

use crate::harness::{MASTER_KEY, Place};
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use serde_json::Value;

/// Changes the database as a person with access to its file would; returns the number of changed rows.
fn change(place: &Place, statement: &str) -> usize {
    let file = place.data().join("keyward.db");
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    sql_query(statement).execute(&mut connection).unwrap()
}

/// Lets a server seal the events, and returns the newest seal from its log.
fn sealed(place: &Place) -> String {
    let mut server = place.serve(&[]);
    let line: Value = serde_json::from_str(&server.wait_for("audit_sealed")).unwrap();
    format!("{}:{}", line["number"], line["head"].as_str().unwrap())
}

/// Two sealed batches, and the names of their seals.
fn two_batches() -> (Place, String, String) {
    let place = Place::new();
    let first = sealed(&place);
    place.user("ada@example.com", "user");
    let second = sealed(&place);
    assert!(
        first.starts_with("1:") && second.starts_with("2:"),
        "{first} {second}"
    );
    (place, first, second)
}

#[test]
fn the_chain_of_a_new_server_is_intact_and_its_log_names_the_newest_seal() {
    let (place, first, second) = two_batches();
    let found = place.run(&["audit", "verify", "--json"]).json();
    assert_eq!(
        (
            found["whole"].as_bool(),
            found["batches"].as_u64(),
            found["unsealed"].as_u64()
        ),
        (Some(true), Some(2), Some(0)),
        "{found}"
    );
    assert_eq!(found["head"], second.as_str());
    for head in [&first, &second] {
        place.run(&["audit", "verify", "--head", head]).good();
    }
    place.user("bob@example.com", "user");
    let output = place.run(&["audit", "verify"]).good();
    assert!(
        output.contains("unsealed: 1 events")
            && output.contains(&second)
            && output.contains("the chain begins at "),
        "{output}"
    );
    // Events that wait for longer than a server takes to seal them are an error.
    assert_eq!(
        change(
            &place,
            "UPDATE audit_events SET at = at - 61000000 WHERE batch IS NULL"
        ),
        1
    );
    let output = place.run(&["audit", "verify"]).refused(1);
    assert!(output.contains("1 events have waited"), "{output}");
    let ended = place.run(&["audit", "verify", "--json"]);
    let found: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((ended.code, found["overdue"].as_u64()), (1, Some(1)));
}

#[test]
fn a_changed_a_removed_and_an_added_row_are_found_and_their_batch_is_named() {
    let statements = [
        "UPDATE audit_events SET action = 'user_deleted' WHERE batch = 2",
        "UPDATE audit_events SET at = at + 1 WHERE batch = 2",
        "UPDATE audit_events SET details = '{\"role\":\"admin\"}' WHERE batch = 2",
        "UPDATE audit_events SET actor = 'nobody' WHERE batch = 2",
        "DELETE FROM audit_events WHERE batch = 2",
        "UPDATE audit_events SET batch = 2 WHERE batch = 1",
        "UPDATE audit_seals SET mac = zeroblob(32) WHERE number = 2",
        // Retention once went by this moment, so the seal's code has to cover it.
        "UPDATE audit_seals SET sealed_at = sealed_at - 43200000000000 WHERE number = 2",
        "UPDATE audit_seals SET format = 1 WHERE number = 2",
        "UPDATE audit_seals SET count = count + 1 WHERE number = 2",
    ];
    let (origin, ..) = two_batches();
    for statement in statements {
        let place = origin.copy();
        place.run(&["audit", "verify"]).good();
        assert!(change(&place, statement) > 0, "{statement}");
        let output = place.run(&["audit", "verify"]).refused(1);
        let batch = if statement.contains("batch = 1") { 1 } else { 2 };
        assert!(
            output.contains(&format!("batch {batch}: ")),
            "{statement}: {output}"
        );
        let ended = place.run(&["audit", "verify", "--json"]);
        let found: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(
            (ended.code, found["whole"].as_bool(), found["batch"].as_u64()),
            (1, Some(false), Some(batch))
        );
        assert!(!found["what"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_removed_end_of_the_chain_is_found_without_a_head_unless_the_mark_was_reset_too() {
    let (place, first, second) = two_batches();
    change(&place, "DELETE FROM audit_events WHERE batch = 2");
    change(&place, "DELETE FROM audit_seals WHERE number = 2");
    let output = place.run(&["audit", "verify"]).refused(1);
    assert!(output.contains("batch 2: the chain went back"), "{output}");
    place.run(&["audit", "verify", "--head", &first]).refused(1);
    let output = place.run(&["audit", "verify", "--head", &second]).refused(1);
    assert!(
        output.contains("batch 2: the tail of the chain was cut"),
        "{output}"
    );
    // Another batch in its place does not help.
    place.user("eve@example.com", "user");
    let other = sealed(&place);
    assert!(other.starts_with("2:") && other != second);
    let output = place.run(&["audit", "verify"]).refused(1);
    assert!(output.contains("batch 2: the chain began anew"), "{output}");
    let output = place.run(&["audit", "verify", "--head", &second]).refused(1);
    assert!(output.contains("batch 2: "), "{output}");
    // After `accept` the chain verifies; a head from elsewhere still finds the change.
    let output = place.run(&["audit", "accept"]).good();
    assert!(output.contains(&other), "{output}");
    place.run(&["audit", "verify"]).good();
    assert_eq!(
        place
            .run(&["audit", "list", "--action", "audit_accepted", "--json"])
            .json()[0]["details"]["up_to"],
        "2"
    );
    place.run(&["audit", "verify", "--head", &second]).refused(1);
}

#[test]
fn rows_that_no_seal_covers_are_named() {
    let (place, ..) = two_batches();
    let id = "01234567-89ab-7000-8000-000000000001";
    let row = format!(
        "INSERT INTO audit_events (id, at, actor, action, details, batch) VALUES ('{id}', 1250999896491000, 'operator', 'exported', '{{}}', NULL)"
    );
    change(&place, &row);
    place.user("bob@example.com", "user");
    let mut server = place.serve(&[]);
    let line: Value = serde_json::from_str(&server.wait_for("audit_row_refused")).unwrap();
    assert_eq!(
        (line["row"].as_str(), line["level"].as_str()),
        (Some(id), Some("ERROR"))
    );
    server.wait_for("audit_sealed");
    drop(server);
    let output = place.run(&["audit", "verify"]).refused(1);
    assert!(
        output.contains("1 events are under no seal") && output.contains(id),
        "{output}"
    );
    let ended = place.run(&["audit", "verify", "--json"]);
    let found: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (ended.code, found["refused"].as_u64(), found["events"][0].as_str()),
        (1, Some(1), Some(id))
    );
}

#[test]
fn the_chain_is_verified_with_the_right_master_key_only() {
    let place = Place::new();
    assert!(place.run(&["audit", "verify"]).refused(2).contains("master key"));
    sealed(&place);
    let old = std::fs::read_to_string(place.data().join("master.key")).unwrap();
    let place = place.with("KEYWARD_NEW_MASTER_KEY", MASTER_KEY);
    place.run(&["keys", "reseal"]).good();
    // Resealing leaves the chain as it was.
    place.run(&["audit", "verify"]).good();
    let place = place.with("KEYWARD_MASTER_KEY", old.trim());
    let output = place.run(&["audit", "verify"]).refused(1);
    assert!(output.contains("not the master key"), "{output}");
    for wrong in ["1", "1:0f", "x:0f", ""] {
        place.run(&["audit", "verify", "--head", wrong]).refused(2);
    }
}

#[test]
fn events_are_listed_newest_first_and_filtered() {
    let place = Place::new();
    place.user("ada@example.com", "user");
    place.user("bob@example.com", "admin");
    place
        .run(&["user", "set-role", "ada@example.com", "viewer"])
        .good();
    place.run(&["user", "disable", "ada@example.com"]).good();
    let ada = place.run(&["user", "show", "ada@example.com", "--json"]).json()["id"].clone();
    let list = |more: &[&str]| -> Vec<String> {
        let events = place.run(&[&["audit", "list", "--json"], more].concat()).json();
        let events = events.as_array().unwrap().iter();
        events
            .map(|event| event["action"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = ["user_disabled", "role_changed", "user_created", "user_created"];
    assert_eq!(list(&[]), all);
    assert_eq!(list(&["--limit", "2"]), all[..2]);
    assert_eq!(list(&["--limit", "0"]), [""; 0]);
    assert_eq!(list(&["--user", "ada@example.com"]), all[..3]);
    assert_eq!(
        list(&["--user", ada.as_str().unwrap(), "--action", "role_changed"]),
        all[1..2]
    );
    assert_eq!(
        list(&["--since", "2020-01-31", "--until", "2999-01-31T00:00:00+02:00"]),
        all
    );
    assert_eq!(list(&["--since", "2999-01-31"]), [""; 0]);
    assert_eq!(list(&["--until", "2020-01-31"]), [""; 0]);
    let table = place.run(&["audit", "list", "--action", "user_disabled"]).good();
    assert!(
        table.starts_with("AT ") && table.contains("operator") && table.lines().count() == 2,
        "{table}"
    );
    // The log outlives the users in it, and contains no email address.
    place.run(&["user", "delete", "ada@example.com", "--yes"]).good();
    assert_eq!(
        list(&["--user", ada.as_str().unwrap(), "--limit", "1"]),
        ["user_deleted"]
    );
    assert!(!place.run(&["audit", "list", "--json"]).good().contains('@'));
    place
        .run(&["audit", "list", "--user", "ada@example.com"])
        .refused(1);
    for wrong in [
        ["--action", "danced"],
        ["--since", "yesterday"],
        ["--until", "12:00"],
        ["--limit", "-1"],
        ["--user", "who?"],
    ] {
        place.run(&[&["audit", "list"][..], &wrong].concat()).refused(2);
    }
}

#[test]
fn an_export_has_every_event_once_whatever_their_number() {
    let place = Place::new();
    place.user("ada@example.com", "user");
    for _ in 0..10 {
        // Doubles the events, under IDs of their own.
        change(
            &place,
            "INSERT INTO audit_events SELECT lower(hex(randomblob(4))) || '-0000-7000-8000-' || lower(hex(randomblob(6))), at, \
             actor, actor_id, api_key_id, action, subject, session_id, ip, request_id, details, batch FROM audit_events",
        );
    }
    let lines = place.run(&["audit", "export"]).good();
    let mut ids: Vec<String> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 1_024);
    assert!(ids.is_sorted_by(|a, b| a > b));
    ids.dedup();
    assert_eq!(ids.len(), 1_024);
    assert_eq!(
        place.run(&["audit", "export", "--action", "signed_in"]).good(),
        ""
    );
    let listed = place.run(&["audit", "list", "--limit", "700", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 700);
}
