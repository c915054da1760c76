//! `serve`: how it starts, what it refuses, how it ends.

use crate::harness::{MASTER_KEY, PASSWORD, Place, mode};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{fs, io::Write, os::unix::fs::PermissionsExt};

#[tokio::test]
async fn it_starts_without_configuration_and_prints_how_to_become_the_administrator() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let data = place.data();
    assert_eq!((mode(&data), mode(&data.join("master.key"))), (0o700, 0o600));
    let output = server.wait_for("set-up token: ");
    let token = output.split_once("set-up token: ").unwrap().1.trim().to_owned();
    let http = reqwest::Client::new();
    let setup = |token: &str| {
        let body = json!({ "token": token, "email": "root@example.com", "password": PASSWORD });
        http.post(server.url("/setup")).json(&body).send()
    };
    let answer: Value = setup(&token).await.unwrap().json().await.unwrap();
    assert_eq!(answer["user"]["role"], "admin");
    assert_eq!(setup(&token).await.unwrap().status(), 403);
    assert!(
        place
            .run(&["setup-token"])
            .refused(1)
            .contains("an administrator")
    );
}

#[tokio::test]
async fn the_set_up_page_the_issuer_and_the_links_name_the_port_that_was_picked() {
    let place = Place::new().with("KEYWARD__PAGES__PATH", "/ui");
    let mut server = place.serve(&[]);
    let output = server.wait_for("there is no administrator yet");
    let origin = server.origin.clone();
    assert!(
        output.contains(&format!("opens {origin}/ui/setup"))
            && output.contains(&format!("{origin}/api/v1/auth/setup")),
        "{output}"
    );
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = reqwest::Client::new()
        .post(server.url("/register"))
        .json(&body)
        .send();
    let tokens: Value = answer.await.unwrap().json().await.unwrap();
    let claims = tokens["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap()
        .to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["iss"], origin);
}

#[test]
fn the_printed_set_up_link_has_the_public_url_if_there_is_one() {
    let place = Place::new()
        .with("KEYWARD__SERVER__PUBLIC_URL", "https://auth.example.com")
        .with("KEYWARD__SERVER__BASE_PATH", "/auth");
    let output = place.serve(&[]).wait_for("there is no administrator yet");
    assert!(
        output.contains("opens https://auth.example.com/setup")
            && output.contains("https://auth.example.com/auth/setup"),
        "{output}"
    );
    assert!(!output.contains("127.0.0.1"), "{output}");
}

#[test]
fn a_start_on_all_addresses_without_a_public_url_logs_a_warning() {
    let place = Place::new();
    let server = place.serve_at("0.0.0.0:0");
    server.signal("TERM");
    let (_, log) = server.end();
    assert!(
        log.contains("server.public_url is not set, and server.bind is not a loopback address"),
        "{log}"
    );
}

#[tokio::test]
async fn a_set_up_token_from_the_command_line_replaces_the_printed_one() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let printed = server
        .wait_for("set-up token: ")
        .split_once("set-up token: ")
        .unwrap()
        .1
        .trim()
        .to_owned();
    let newer = place.run(&["setup-token"]).good().trim().to_owned();
    let http = reqwest::Client::new();
    for (token, status) in [(printed, 400), (newer, 201)] {
        let body = json!({ "token": token, "email": "root@example.com", "password": PASSWORD });
        let answer = http.post(server.url("/setup")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let place = Place::new();
    let _first = place.serve(&[]);
    let output = place.run(&["serve", "--bind", "127.0.0.1:0"]).refused(1);
    assert!(
        output.contains("another `keyward serve` has this database"),
        "{output}"
    );
}

#[test]
fn it_ends_with_0_at_a_signal_and_starts_again_with_the_same_keys() {
    let place = Place::new();
    place.user("root@example.com", "admin");
    let keys = || place.run(&["keys", "list", "--json"]).json();
    for signal in ["TERM", "INT", "QUIT"] {
        let server = place.serve(&[]);
        server.signal(signal);
        let (code, log) = server.end();
        assert_eq!(code, 0, "{log}");
        assert!(!log.contains("set-up token"), "{log}");
    }
    let first = keys();
    assert_eq!(first.as_array().unwrap().len(), 2);
    let _again = place.serve(&[]);
    assert_eq!(keys(), first);
}

#[tokio::test]
async fn metrics_and_the_version_are_on_an_address_of_their_own() {
    let place = Place::new().with("KEYWARD__SERVER__ADMIN_BIND", "127.0.0.1:0");
    let mut server = place.serve(&[]);
    let admin = server
        .wait_for("admin on ")
        .split_once("admin on ")
        .unwrap()
        .1
        .to_owned();
    let http = reqwest::Client::new();
    assert_eq!(
        http.get(format!("{admin}/version"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        http.get(format!("{}/version", server.origin))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        http.get(format!("{}/health/ready", server.origin))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[test]
fn a_folder_that_can_not_be_created_or_written_is_named_with_the_fix() {
    let place = Place::new();
    let output = place.run(&["serve", "--data-dir", "/proc/keyward"]).refused(1);
    assert!(
        output.contains("/proc/keyward") && output.contains("--data-dir"),
        "{output}"
    );
    place.file("file", "");
    let output = place.run(&["serve", "--data-dir", "file/data"]).refused(2);
    assert!(
        output.contains("1 problem\n  data.dir (option --data-dir)")
            && output.contains("/file is not a folder"),
        "{output}"
    );
}

#[test]
fn a_database_in_a_missing_folder_is_named() {
    let place = Place::new().with("DATABASE_URL", "sqlite://nowhere/keyward.db");
    assert!(place.run(&["serve"]).refused(2).contains("nowhere"));
    assert!(place.run(&["user", "list"]).refused(1).contains("nowhere"));
}

#[test]
fn a_wrong_master_key_is_refused_and_nothing_is_changed() {
    let place = Place::new();
    drop(place.serve(&[]));
    let key_file = place.data().join("master.key");
    let right = fs::read_to_string(&key_file).unwrap();
    let stranger = Place::new().with(
        "DATABASE_URL",
        &format!("sqlite://{}", place.data().join("keyward.db").display()),
    );
    let output = stranger.run(&["serve", "--bind", "127.0.0.1:0"]).refused(1);
    assert!(output.contains("restore the file from your backup"), "{output}");
    assert!(!stranger.data().join("master.key").exists());
    let stranger = stranger.with("KEYWARD_MASTER_KEY", MASTER_KEY);
    let output = stranger.run(&["serve", "--bind", "127.0.0.1:0"]).refused(1);
    assert!(
        output.contains("not the master key that the database was made with"),
        "{output}"
    );
    assert!(
        stranger
            .run(&["keys", "rotate", "--compromised"])
            .refused(1)
            .contains("not the master key")
    );
    assert_eq!(fs::read_to_string(&key_file).unwrap(), right);
    drop(place.serve(&[]));
}

#[test]
fn a_master_key_file_that_other_users_can_read_is_refused() {
    let place = Place::new();
    drop(place.serve(&[]));
    let key_file = place.data().join("master.key");
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(place.run(&["serve"]).refused(2).contains("chmod 600"));
}

#[test]
fn a_file_that_is_not_a_database_is_not_changed() {
    let place = Place::new();
    let file = place.file("notes.db", &"these are my notes\n".repeat(100));
    let output = Place::new()
        .with("DATABASE_URL", &format!("sqlite://{file}"))
        .run(&["serve"])
        .refused(1);
    assert!(output.contains("not a SQLite database"), "{output}");
}

#[test]
fn postgresql_without_a_server_or_a_master_key_is_refused_with_the_fix() {
    let unreachable = "postgres://kw:hunter2@127.0.0.1:1/kw";
    let output = Place::new()
        .with("DATABASE_URL", unreachable)
        .run(&["serve"])
        .refused(2);
    assert!(
        output.contains("openssl rand -base64 32") && !output.contains("hunter2"),
        "{output}"
    );
    let place = Place::new()
        .with("DATABASE_URL", unreachable)
        .with("KEYWARD_MASTER_KEY", MASTER_KEY);
    let output = place.run(&["serve"]).refused(1);
    assert!(
        output.contains("no PostgreSQL server answers there") && !output.contains("hunter2"),
        "{output}"
    );
    let waiting = place.with("KEYWARD__DATABASE__WAIT", "300ms");
    let output = waiting.run(&["serve"]).refused(1);
    assert!(
        output.contains("is not reachable yet; waiting") && !output.contains("hunter2"),
        "{output}"
    );
}

#[test]
fn a_taken_port_is_refused_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Place::new().run(&["serve", "--bind", &address]).refused(1);
    assert!(
        output.contains("server.bind") && output.contains(&address),
        "{output}"
    );
}

#[test]
fn with_the_json_format_every_line_is_json_and_none_contains_the_set_up_token() {
    let place = Place::new()
        .with("KEYWARD__LOG__FORMAT", "json")
        .with("KEYWARD__LOG__LEVEL", "warn")
        .with("KEYWARD__SERVER__ADMIN_BIND", "127.0.0.1:0")
        .with("JWT_SECRET", "left behind");
    let server = place.serve(&[]);
    assert!(
        server.origin.starts_with("http://127.0.0.1:"),
        "{}",
        server.origin
    );
    server.signal("TERM");
    let (code, log) = server.end();
    assert_eq!(code, 0, "{log}");
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let level_of = |text: &str| {
        let found = records
            .iter()
            .find(|record| record["message"].as_str().unwrap().contains(text));
        found.map(|record| record["level"].as_str().unwrap().to_owned())
    };
    assert_eq!(level_of("JWT_SECRET").as_deref(), Some("WARN"));
    assert_eq!(
        level_of("listening on http://127.0.0.1:").as_deref(),
        Some("INFO")
    );
    assert_eq!(level_of("admin on http://127.0.0.1:").as_deref(), Some("INFO"));
    assert_eq!(
        level_of("`keyward setup-token` prints the token").as_deref(),
        Some("WARN")
    );
    assert!(records.iter().all(|record| record["timestamp"].is_string()));
    assert!(!log.contains("left behind") && !log.contains("set-up token:"));
}

#[test]
fn with_the_json_format_the_reason_of_a_failed_start_is_json_too() {
    let json = Place::new().with("KEYWARD__LOG__FORMAT", "json");
    let file = json.file("config/keyward.toml", "[log]\nformat = \"json\"\n");
    let by_file = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (place, arguments, code, named) in [
        (&json, &["serve", "--bind", &address][..], 1, "server.bind"),
        (
            &by_file,
            &["serve", "--config", &file, "--bind", &address],
            1,
            "server.bind",
        ),
        (&json, &["serve", "--bind", "nowhere"], 2, "server.bind"),
    ] {
        let output = place.run(arguments).refused(code);
        let last: Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
        assert_eq!(last["level"], "ERROR");
        assert!(last["message"].as_str().unwrap().contains(named), "{output}");
        for line in output.lines() {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
    }
}

#[test]
fn a_closed_terminal_and_signals_of_other_programs_stop_no_server() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    for signal in ["HUP", "USR1", "USR2"] {
        server.signal(signal);
        assert!(server.wait_for("a signal was ignored").contains(signal));
    }
    server.signal("TERM");
    assert_eq!(server.end().0, 0);
}

#[test]
fn a_second_signal_stops_it_at_once() {
    let place = Place::new().with("KEYWARD__SERVER__DRAIN_DELAY", "10m");
    let mut server = place.serve(&[]);
    server.signal("TERM");
    server.wait_for("requests in flight may finish");
    server.signal("TERM");
    let (code, log) = server.end();
    assert_eq!(code, 1, "{log}");
}

#[test]
fn a_request_in_flight_is_answered_before_the_end() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let address = server.origin.strip_prefix("http://").unwrap().to_owned();
    let mut slow = std::net::TcpStream::connect(&address).unwrap();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD }).to_string();
    let head = format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    // The server answers so when it reads the body: the request is in flight.
    let mut interim = [0; 25];
    std::io::Read::read_exact(&mut slow, &mut interim).unwrap();
    assert_eq!(&interim[..], b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal("TERM");
    server.wait_for("requests in flight may finish");
    slow.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut slow, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(server.end().0, 0);
}
