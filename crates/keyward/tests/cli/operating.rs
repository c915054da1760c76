//! `client`, `keys`, `hash`, `doctor`.

use crate::harness::{MASTER_KEY, PASSWORD, Place};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use serde_json::{Value, json};
use std::fs;

/// Changes the database as a newer version would.
fn execute(place: &Place, sql: &str) {
    let file = place.data().join("keyward.db");
    let mut c = SqliteConnection::establish(&file.display().to_string()).unwrap();
    c.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}"))
        .unwrap();
}

/// Puts a row into `signing_keys` that this version can't read.
fn put_in_unread_key(place: &Place, kid: &str) {
    execute(
        place,
        &format!(
            "INSERT INTO signing_keys SELECT '{kid}', 'asleep', algorithm, '{{}}', sealed, published_at, NULL \
             FROM signing_keys WHERE state = 'active'"
        ),
    );
}

#[tokio::test]
async fn a_client_introspects_until_it_is_deleted() {
    let place = Place::new();
    let made = place.run(&["client", "create", "billing", "--json"]).json();
    let secret = made["client_secret"].as_str().unwrap().to_owned();
    assert!(
        place
            .run(&["client", "create", "billing"])
            .refused(1)
            .contains("already")
    );
    assert!(
        place
            .run(&["client", "create", "Not An Id"])
            .refused(1)
            .contains("client id")
    );
    let listed = place.run(&["client", "list"]).good();
    assert!(listed.contains("billing") && !listed.contains(&secret));
    assert_eq!(
        place.run(&["client", "list", "--json"]).json()[0]["client_id"],
        "billing"
    );
    let server = place.serve(&[]);
    let http = reqwest::Client::new();
    let ask = || {
        let request = http
            .post(server.url("/introspect"))
            .basic_auth("billing", Some(&secret));
        request.form(&[("token", "garbage")]).send()
    };
    let answer: Value = ask().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({ "active": false }));
    place.run(&["client", "delete", "billing"]).good();
    assert_eq!(ask().await.unwrap().status(), 401);
    place.run(&["client", "delete", "billing"]).refused(1);
}

#[tokio::test]
async fn a_compromised_key_and_the_tokens_that_it_signed_are_revoked_at_once() {
    let place = Place::new();
    assert!(
        place
            .run(&["keys", "rotate"])
            .refused(2)
            .contains("no master key file")
    );
    let server = place.serve(&[]);
    let http = reqwest::Client::new();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens: Value = http
        .post(server.url("/register"))
        .json(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let before = place.run(&["keys", "list", "--json"]).json();
    assert!(
        place
            .run(&["keys", "rotate"])
            .refused(1)
            .contains("key_too_young")
    );
    place.run(&["keys", "rotate", "--compromised"]).good();
    let after = place.run(&["keys", "list", "--json"]).json();
    let kid = |keys: &Value, state: &str| {
        let found = keys.as_array().unwrap().iter().find(|key| key["state"] == state);
        found.map(|key| key["kid"].clone())
    };
    assert_eq!(kid(&after, "active"), kid(&before, "next"));
    assert_eq!(kid(&after, "retired"), kid(&before, "active"));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        let answer = http
            .get(server.url("/me"))
            .bearer_auth(access)
            .send()
            .await
            .unwrap();
        if answer.status() == 401 {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the dropped key's token lives on"
        );
    }
    assert!(place.run(&["keys", "list"]).good().contains("retired"));
}

#[test]
fn a_signing_key_that_cannot_be_read_is_named_once_in_the_log_and_by_the_doctor() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    put_in_unread_key(&place, "first-unread");
    assert!(server.wait_for("signing_key_set_aside").contains("first-unread"));
    put_in_unread_key(&place, "second-unread");
    assert!(server.wait_for("signing_key_set_aside").contains("second-unread"));
    server.signal("TERM");
    let (code, log) = server.end();
    assert_eq!((code, log.matches("first-unread").count()), (0, 1), "{log}");
    let report = place.run(&["doctor"]).good();
    assert!(
        report.contains("warn  signing keys   the row first-unread has no state"),
        "{report}"
    );
    let listed = place.run(&["keys", "list"]).good();
    assert!(listed.contains("set aside (no known state)"), "{listed}");
    place.run(&["keys", "rotate", "--compromised"]).good();
    assert!(!place.run(&["doctor"]).good().contains("signing keys"));
}

/// The row is read twice a second for half a minute, and longer by checks of the revoked ID.
#[test]
fn a_revocation_of_a_newer_kind_is_named_once_and_is_no_error() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let ids = [1, 2].map(|n| format!("00000000-0000-7000-8000-00000000000{n}"));
    for id in &ids {
        execute(
            &place,
            &format!("INSERT INTO revocations (id, kind, until) VALUES ('{id}', 'grant', 4102444900000000)"),
        );
        let line = server.wait_for("a kind that only a newer version knows");
        assert!(
            line.contains(id) && line.contains("grant") && line.contains("WARN"),
            "{line}"
        );
    }
    server.signal("TERM");
    let (code, log) = server.end();
    assert_eq!((code, log.matches(&ids[0]).count()), (0, 1), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn keys_are_resealed_with_a_new_master_key_while_no_server_runs() {
    let place = Place::new();
    let server = place.serve(&[]);
    let place = place.with("KEYWARD_NEW_MASTER_KEY", MASTER_KEY);
    assert!(
        place
            .run(&["keys", "reseal"])
            .refused(1)
            .contains("stop it first")
    );
    drop(server);
    let keys = place.run(&["keys", "list", "--json"]).json();
    assert!(place.run(&["keys", "reseal"]).good().starts_with("sealed 2 keys"));
    assert_eq!(
        fs::read_to_string(place.data().join("master.key"))
            .unwrap()
            .trim(),
        MASTER_KEY
    );
    let _server = place.serve(&[]);
    assert_eq!(place.run(&["keys", "list", "--json"]).json(), keys);
}

#[test]
fn parameters_for_hashing_are_measured_and_proposed() {
    let place = Place::new();
    let found = place
        .run(&["hash", "calibrate", "--target-ms", "20", "--json"])
        .json();
    assert!(found["proposed"]["memory_kib"].as_u64().unwrap() >= 19_456);
    assert!(found["proposed"]["iterations"].as_u64().unwrap() >= 2);
    assert_eq!(found["in_force"]["memory_kib"], 64);
    place.run(&["hash", "calibrate", "--target-ms", "0"]).refused(2);
}

#[test]
fn the_doctor_finds_what_is_missing_and_changes_nothing() {
    let place = Place::new();
    let report = place.run(&["doctor"]).good();
    assert!(
        report.contains("warn  master key") && report.contains("warn  database"),
        "{report}"
    );
    assert!(!place.data().exists());
    place.user("root@example.com", "admin");
    drop(place.serve(&[]));
    let findings = place.run(&["doctor", "--json"]).json();
    let parts: Vec<&str> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["part"].as_str().unwrap())
        .collect();
    for part in [
        "configuration",
        "master key",
        "database",
        "clock",
        "migrations",
        "administrator",
        "public_url",
        "mail",
        "limits",
        "hashing",
    ] {
        assert!(parts.contains(&part), "{part} in {findings}");
    }
    assert!(
        findings
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["state"] != "fail"),
        "{findings}"
    );
}

#[test]
fn the_doctor_fails_on_what_would_stop_a_server() {
    let place = Place::new();
    drop(place.serve(&[]));
    let place = place.with("KEYWARD_MASTER_KEY", MASTER_KEY);
    let ended = place.run(&["doctor"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("fail  master key"), "{}", ended.out);
    place.run(&["migrate", "down"]).good();
    assert!(place.run(&["doctor"]).out.contains("fail  migrations"));
    let unreachable = Place::new()
        .with("DATABASE_URL", "postgres://kw:hunter2@127.0.0.1:1/kw")
        .with("REDIS_URL", "redis://127.0.0.1:1");
    let ended = unreachable.run(&["doctor"]);
    assert_eq!(ended.code, 1);
    for line in [
        "fail  configuration  KEYWARD_MASTER_KEY: there is no master key",
        "fail  database",
        "fail  redis",
        "warn  mail",
        "warn  limits",
    ] {
        assert!(ended.out.contains(line), "{}", ended.out);
    }
    assert!(!ended.out.contains("hunter2"));
    let limited = Place::new().with("KEYWARD__LIMITS__ENABLED", "true");
    assert!(limited.run(&["doctor"]).good().contains("ok    limits"));
    let wrong = Place::new().with("KEYWARD__SERVER__BINT", "x").run(&["doctor"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("did you mean server.bind"), "{}", wrong.out);
}

#[test]
fn an_email_that_did_not_fail_can_not_be_tried_again() {
    let place = Place::new();
    place.run(&["migrate", "up"]).good();
    assert_eq!(place.run(&["mail", "list", "--json"]).json(), json!([]));
    assert_eq!(
        place.run(&["mail", "retry", "--all"]).good().trim(),
        "emails that are tried again: 0"
    );
    let unknown = "018f3f5e-7c1a-7a30-8d2e-0123456789ab";
    let output = place.run(&["mail", "retry", unknown]).refused(1);
    assert!(
        output.contains(unknown) && output.contains("neither waits"),
        "{output}"
    );
    place.run(&["mail", "retry"]).refused(2);
    place.run(&["mail", "retry", "no-id"]).refused(2);
}
