//! `/.well-known/jwks.json`, and the rotation of the signing keys under it (behaviour.md §6).

use auth_domain::time::Span;
use auth_service::{KeyAdmin, MasterKey};
use serde_json::Value;
use tests::{Builder, TestApp, on_every_backend};

async fn published(app: &TestApp) -> Vec<Value> {
    let answer = app.anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=600"));
    answer.json()["keys"].as_array().unwrap().clone()
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

/// The operator's command beside the running server.
fn operator(app: &TestApp) -> &KeyAdmin {
    app.running().service().key_admin().unwrap()
}

on_every_backend! {
    async fn only_public_members_are_published(backend) {
        for algorithm in ["ES256", "EdDSA", "RS256"] {
            let app = Builder::new(backend).set("tokens.algorithm", algorithm).start().await;
            let keys = published(&app).await;
            assert_eq!(keys.len(), 2, "the one that signs and the next one");
            for key in &keys {
                assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|secret| key.get(secret).is_none()));
                assert_eq!((key["alg"].as_str(), key["use"].as_str()), (Some(algorithm), Some("sig")));
            }
            let ada = app.user("ada").await;
            assert!(keys.iter().any(|key| key["kid"] == kid(&ada.access)));
            ada.client.get("/me").await.expect(200);
            // What another service does: the library verifies with the published key alone.
            let jwk = keys.iter().find(|key| key["kid"] == kid(&ada.access)).unwrap().clone();
            let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap();
            let mut validation = jsonwebtoken::Validation::new(algorithm.parse().unwrap());
            validation.set_audience(&["keyward"]);
            let decoded = jsonwebtoken::decode::<Value>(&ada.access, &key, &validation).unwrap();
            assert_eq!(decoded.claims["sub"], ada.id);
        }
    }

    async fn a_rotation_waits_for_the_verifiers_and_fails_no_token(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let keys = operator(&app);
        assert!(matches!(keys.rotate(&app.operator()).await, Err(auth_service::Error::KeyTooYoung { .. })));
        app.clock.advance(Span::seconds(1200));
        keys.rotate(&app.operator()).await.unwrap();
        // A token of the new key, from a node that knows it, makes this node load the keys anew.
        let app = app.restarted().await;
        let new = app.login(&ada.email).await;
        assert_ne!(kid(&new.access), kid(&ada.access));
        new.client.get("/me").await.expect(200);
        app.anonymous().with_bearer(&ada.access).get("/me").await.expect(200);
        assert_eq!(published(&app).await.len(), 3);
    }

    async fn a_compromised_key_takes_what_it_signed_with_it(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        operator(&app).replace_compromised(&app.operator()).await.unwrap();
        let app = app.restarted().await;
        assert_eq!(app.anonymous().with_bearer(&ada.access).get("/me").await.expect(401).code(), "invalid_token");
        assert!(published(&app).await.iter().all(|key| key["kid"] != kid(&ada.access)));
        let refreshed = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        refreshed.client.get("/me").await.expect(200);
    }

    async fn a_reload_drops_a_compromised_key_from_a_running_node_too(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        ada.client.get("/me").await.expect(200);
        operator(&app).replace_compromised(&app.operator()).await.unwrap();
        app.running().service().reload_keys().await.unwrap();
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "invalid_token", "though its signature was remembered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_open_under_the_new_master_key_alone_after_they_were_resealed() {
    let app = TestApp::start(tests::Backend::Sqlite).await;
    let new = MasterKey::from_bytes([9; 32]);
    let count = operator(&app).reseal(&new, &app.operator()).await.unwrap();
    assert_eq!(count, 2);
    assert!(
        operator(&app).reseal(&new, &app.operator()).await.is_err(),
        "the old master key opens nothing any more"
    );
}
