//! Attacks on tokens: forged, modified, raced, and repeated where they must not be.

use auth_domain::time::Span;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tests::{Answer, Client, TestApp, on_every_backend};

async fn code(app: &TestApp, token: &str) -> (u16, String) {
    let answer = app.anonymous().with_bearer(token).get("/me").await;
    (answer.status, answer.code())
}

async fn refresh_with(client: &Client, token: &str, key: &str) -> Answer {
    let request = client
        .request(Method::POST, "/refresh")
        .header("Idempotency-Key", key);
    client
        .send(request.json(&json!({ "refresh_token": token })))
        .await
}

/// Refreshes one token after another as fast as possible, and returns every pair.
async fn chain(app: &TestApp, first: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for _ in 0..8 {
        let token = pairs.last().map_or(first, |(_, refresh)| refresh.as_str());
        let answer = app.refresh(token).await;
        if answer.status != 200 {
            break;
        }
        pairs.push((answer.field("access_token"), answer.field("refresh_token")));
    }
    pairs
}

on_every_backend! {
    async fn a_signature_verifies_only_complete_and_with_its_own_key(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let [header, claims, signature] = ada.access.split('.').collect::<Vec<_>>().try_into().unwrap();
        let sound = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let nought = vec![0; 32];
        let der = [&[0x30, 0x44, 2, 32], &sound[..32], &[2, 32], &sound[32..]].concat();
        let bent = [
            [nought.clone(), nought.clone()].concat(),
            [nought.clone(), sound[32..].to_vec()].concat(),
            [sound[..32].to_vec(), nought].concat(),
            vec![0xff; 64],
            sound[..63].to_vec(),
            [sound.clone(), vec![0]].concat(),
            der,
        ];
        for signature in bent {
            let token = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(&signature));
            assert_eq!(code(&app, &token).await, (401, "invalid_token".to_owned()), "{token}");
        }
        let jwks = app.anonymous().get("/.well-known/jwks.json").await.json();
        let own: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        let other = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] != own["kid"]).unwrap();
        let kids = [other["kid"].clone(), json!(""), json!(null), json!([own["kid"]]), json!({}), json!("a".repeat(2_900)), json!("\0")];
        for kid in kids {
            let mut header = own.clone();
            header["kid"] = kid;
            let token = format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()));
            assert_eq!(code(&app, &token).await, (401, "invalid_token".to_owned()), "{header}");
        }
        ada.client.get("/me").await.expect(200);
    }

    async fn an_idempotency_key_serves_one_session_and_one_window(backend) {
        let app = TestApp::start(backend).await;
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let client = app.anonymous();
        let key = "the same key for everything";
        let mine = refresh_with(&client, &ada.refresh, &key.replace(' ', "-")).await.expect(200);
        let hers = refresh_with(&client, &eve.refresh, &key.replace(' ', "-")).await.expect(200);
        assert_eq!((mine.json()["user"]["id"].as_str(), hers.json()["user"]["id"].as_str()), (Some(ada.id.as_str()), Some(eve.id.as_str())));
        let key = key.replace(' ', "-");
        let next = refresh_with(&client, &mine.field("refresh_token"), &key).await.expect(200);
        let repeated = refresh_with(&client, &mine.field("refresh_token"), &key).await.expect(200);
        assert_eq!(next.field("refresh_token"), repeated.field("refresh_token"));
        app.clock.advance(Span::seconds(31));
        let late = refresh_with(&client, &eve.refresh, &key).await.expect(401);
        assert_eq!(late.code(), "token_already_used");
        let successor = app.refresh(&hers.field("refresh_token")).await.expect(401);
        assert_eq!(successor.code(), "token_revoked", "a replay after the window is reuse");
        app.refresh(&next.field("refresh_token")).await.expect(200);
    }

    async fn an_idempotency_key_does_not_revive_a_token_older_than_the_last_one(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let client = app.anonymous();
        let key = "0123456789abcdef";
        let first = refresh_with(&client, &ada.refresh, key).await.expect(200).field("refresh_token");
        let second = refresh_with(&client, &first, key).await.expect(200).field("refresh_token");
        let replay = refresh_with(&client, &ada.refresh, key).await.expect(401);
        assert_eq!(replay.code(), "token_already_used");
        assert_eq!(app.refresh(&second).await.expect(401).code(), "token_revoked");
    }

    async fn refreshes_that_race_a_sign_out_leave_nothing_alive(backend) {
        let app = TestApp::start(backend).await;
        for round in 0..12 {
            let ada = app.user(&format!("ada{round}")).await;
            let route = if round % 2 == 0 { "/logout" } else { "/logout-all" };
            let (mut pairs, ended) = tokio::join!(chain(&app, &ada.refresh), ada.client.post_nothing(route));
            ended.expect(200);
            pairs.push((ada.access, ada.refresh));
            for (access, refresh) in pairs {
                assert_eq!(code(&app, &access).await.0, 401, "{route}");
                let refused = app.refresh(&refresh).await.expect(401);
                assert_eq!(refused.code(), "token_revoked", "{route}");
            }
            app.login(&ada.email).await.client.get("/me").await.expect(200);
        }
    }

    async fn introspection_says_of_every_invalid_token_only_that_it_is_inactive(backend) {
        let (app, elsewhere) = (TestApp::start(backend).await, TestApp::start(backend).await);
        let service = app.running().service();
        let (id, secret) = service.admin().create_client("billing", &app.operator()).await.unwrap();
        let ask = async |path: &str, token: &str, hint: &str| {
            let request = app.anonymous().request(Method::POST, path).basic_auth(id.to_string(), Some(secret.expose_secret()));
            app.anonymous().send(request.form(&[("token", token), ("token_type_hint", hint)])).await
        };
        let (ada, gone, stranger) = (app.user("ada").await, app.user("gone").await, elsewhere.user("eve").await);
        for hint in ["access_token", "refresh_token", "no_such_type"] {
            for token in [&ada.access, &ada.refresh] {
                assert_eq!(ask("/introspect", token, hint).await.expect(200).json()["active"], true, "{hint}");
            }
            ask("/revoke", "garbage", hint).await.expect(200);
        }
        let account: auth_service::UserRef = gone.email.parse().unwrap();
        let deleted = service.admin().user(&account).await.unwrap().id;
        service.admin().delete_user(deleted, &app.operator()).await.unwrap().settle(service).await;
        let expected = json!({ "active": false });
        let forged = format!("{}x", ada.access);
        for token in [stranger.access.as_str(), &stranger.refresh, &gone.refresh, &forged, "a.b.c", "\0", "é"] {
            assert_eq!(ask("/introspect", token, "access_token").await.expect(200).json(), expected);
            ask("/revoke", token, "refresh_token").await.expect(200);
        }
        app.clock.advance(Span::seconds(3_606));
        assert_eq!(ask("/introspect", &ada.access, "access_token").await.expect(200).json(), expected, "expired");
        elsewhere.anonymous().with_bearer(&stranger.access).get("/me").await.expect(200);
        app.refresh(&ada.refresh).await.expect(200);
    }

    async fn a_device_is_shown_without_what_its_client_made_up(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let agent = "<script>alert(1)</script>\u{202e}\" onload=x {{7*7}}";
        let request = app.anonymous().request(Method::POST, "/login").header("User-Agent", agent);
        let request = request.json(&json!({ "email": ada.email, "password": tests::PASSWORD }));
        let answer = app.anonymous().send(request).await.expect(200);
        let list = app.signed_in(&ada.email, &answer).client.get("/sessions").await.expect(200);
        let session = list.json()["items"][0].clone();
        assert!(!session["device"].to_string().contains(['<', '>', '\u{202e}']), "{session}");
        assert_eq!(list.header("content-type"), Some("application/json"));
        for secret in [&ada.refresh, &ada.access, &answer.field("refresh_token")] {
            assert!(!list.text.contains(secret.as_str()));
        }
    }
}
