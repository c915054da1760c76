//! `user lock-out`, `user send-reset`, `api-key` and `mail`, beside a running server.

use crate::harness::{PASSWORD, Place, Server};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

async fn post(http: &Client, url: String, body: &Value) -> (u16, Value) {
    let answer = http.post(url).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn me(http: &Client, server: &Server, token: &str) -> u16 {
    let answer = http.get(server.url("/me")).bearer_auth(token).send().await;
    answer.unwrap().status().as_u16()
}

/// Waits until a token is refused: one second as promised, and one more for a busy machine.
async fn refused_soon(http: &Client, server: &Server, token: &str) {
    let deadline = Instant::now() + Duration::from_secs(2);
    while me(http, server, token).await != 401 {
        assert!(Instant::now() < deadline, "{token} lives on");
    }
}

async fn api_key(http: &Client, server: &Server, access: &str, name: &str) -> Value {
    let request = http.post(server.url("/api-keys")).bearer_auth(access);
    let answer = request.json(&json!({ "name": name })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

/// The emails in the data folder, once the outbox is empty.
fn mails(place: &Place) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let figures = place.run(&["mail", "status", "--json"]).json();
        assert_eq!(figures["failed"], 0);
        if figures["waiting"] == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "the mails wait: {figures}");
    }
    assert_eq!(place.run(&["mail", "status"]).good(), "waiting: 0\ngiven up: 0\n");
    let folder = std::fs::read_dir(place.data().join("mail")).unwrap();
    let files = folder.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    files.collect()
}

#[tokio::test]
async fn a_user_who_is_locked_out_has_no_credential_left_and_returns_by_a_reset() {
    let place = Place::new();
    place.user("ada@example.com", "user");
    place.user("bob@example.com", "user");
    let server = place.serve(&[]);
    let http = Client::new();
    let login = |who: &str| json!({ "email": format!("{who}@example.com"), "password": PASSWORD });
    let (_, ada) = post(&http, server.url("/login"), &login("ada")).await;
    let (_, bob) = post(&http, server.url("/login"), &login("bob")).await;
    let access = ada["access_token"].as_str().unwrap();
    let key = api_key(&http, &server, access, "backup").await;
    assert_eq!(me(&http, &server, key["key"].as_str().unwrap()).await, 200);

    let output = place.run(&["user", "lock-out", "ada@example.com"]).good();
    assert!(
        output.contains("every credential ended") && output.contains("needs a reset"),
        "{output}"
    );
    refused_soon(&http, &server, access).await;
    refused_soon(&http, &server, key["key"].as_str().unwrap()).await;
    let refresh = json!({ "refresh_token": ada["refresh_token"] });
    assert_eq!(post(&http, server.url("/refresh"), &refresh).await.0, 401);
    assert_eq!(post(&http, server.url("/login"), &login("ada")).await.0, 401);
    // No other user is locked out.
    assert_eq!(
        me(&http, &server, bob["access_token"].as_str().unwrap()).await,
        200
    );
    assert_eq!(
        place
            .run(&["api-key", "list", "ada@example.com", "--json"])
            .json(),
        json!([])
    );
    let ended = place
        .run(&["session", "list", "ada@example.com", "--status", "all", "--json"])
        .json();
    assert_eq!(
        (ended[0]["live"].as_bool(), ended[0]["end_reason"].as_str()),
        (Some(false), Some("locked_out"))
    );
    let noted = place
        .run(&["audit", "list", "--action", "user_locked_out", "--json"])
        .json();
    assert_eq!(
        (noted[0]["actor"]["kind"].as_str(), noted[0]["subject"].as_str()),
        (Some("operator"), ada["user"]["id"].as_str())
    );

    let output = place.run(&["user", "send-reset", "ada@example.com"]).good();
    assert!(output.contains("on its way to ada@example.com"), "{output}");
    let mails = mails(&place);
    let token = mails.iter().find_map(|mail| reset_token(mail)).unwrap();
    let body = json!({ "token": token, "new_password": "an entirely different battery" });
    assert_eq!(post(&http, server.url("/password/reset"), &body).await.0, 204);
    let body = json!({ "email": "ada@example.com", "password": "an entirely different battery" });
    assert_eq!(post(&http, server.url("/login"), &body).await.0, 200);

    for verb in ["lock-out", "send-reset"] {
        assert!(
            place
                .run(&["user", verb, "eve@example.com"])
                .refused(1)
                .contains("there is no user with the address eve@example.com")
        );
        place.run(&["user", verb, "who?"]).refused(2);
        place.run(&["user", verb]).refused(2);
    }
}

/// The token of the reset link in an email, if it has one.
fn reset_token(mail: &str) -> Option<String> {
    // Quoted-printable: a soft line break, and the encoded equals sign.
    let text = mail.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = text.split_once("/reset")?;
    let (_, token) = rest.split_once("token=")?;
    let end = token.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))?;
    token.get(..end).map(str::to_owned)
}

#[tokio::test]
async fn an_api_key_is_listed_without_its_secret_and_revoked_at_once() {
    let place = Place::new();
    place.user("ada@example.com", "user");
    place.user("bob@example.com", "user");
    let server = place.serve(&[]);
    let http = Client::new();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let (_, tokens) = post(&http, server.url("/login"), &body).await;
    let access = tokens["access_token"].as_str().unwrap();
    let first = api_key(&http, &server, access, "first").await;
    let second = api_key(&http, &server, access, "second").await;
    let secret = first["key"].as_str().unwrap();
    assert_eq!(me(&http, &server, secret).await, 200);

    let listed = place
        .run(&["api-key", "list", "ada@example.com", "--json"])
        .json();
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["second", "first"]);
    assert!(listed[1]["last_used_at"].is_string() && listed[0]["last_used_at"].is_null());
    let table = place.run(&["api-key", "list", "ada@example.com"]).good();
    assert!(table.contains("first") && !table.contains(secret), "{table}");

    let id = first["api_key"]["id"].as_str().unwrap();
    // The key of another user is not found.
    assert!(
        place
            .run(&["api-key", "revoke", "bob@example.com", id])
            .refused(1)
            .contains(&format!("there is no API key {id} of bob@example.com"))
    );
    assert_eq!(me(&http, &server, secret).await, 200);
    place.run(&["api-key", "revoke", "ada@example.com", id]).good();
    assert_eq!(me(&http, &server, secret).await, 401);
    assert_eq!(me(&http, &server, second["key"].as_str().unwrap()).await, 200);
    place
        .run(&["api-key", "revoke", "ada@example.com", id])
        .refused(1);
    place
        .run(&["api-key", "revoke", "ada@example.com", "no-id"])
        .refused(2);
    let noted = place
        .run(&["audit", "list", "--action", "api_key_revoked", "--json"])
        .json();
    assert_eq!(
        (
            noted.as_array().unwrap().len(),
            noted[0]["actor"]["kind"].as_str()
        ),
        (1, Some("operator"))
    );
}
