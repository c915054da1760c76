//! `/.well-known/jwks.json`, and the rotation of the signing keys under it (docs/rules.md §6).

use auth_domain::time::Span;
use auth_service::{KeyAdmin, MasterKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    EncodingKey, Header,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde_json::{Value, json};
use tests::{Backend, Builder, TestApp, User, on_every_backend};

async fn published(app: &TestApp) -> Vec<Value> {
    let answer = app.anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=600"));
    answer.json()["keys"].as_array().unwrap().clone()
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

/// An operator's command beside the running server.
fn operator(app: &TestApp) -> &KeyAdmin {
    app.running().service().key_admin().unwrap()
}

/// A key pair that this server did not generate.
struct Rogue {
    kid: String,
    jwk: Jwk,
    private: EncodingKey,
}

impl Rogue {
    fn new() -> Self {
        let pkcs8: [&[u8]; 2] = [
            b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20",
            &[7; 32],
        ];
        let private = EncodingKey::from_ed_der(&pkcs8.concat());
        let mut jwk = Jwk::from_encoding_key(&private, jsonwebtoken::Algorithm::EdDSA).unwrap();
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Self { kid, jwk, private }
    }

    /// Inserts it among the verifying keys, with `sealed` as its private part.
    fn put_in(&self, app: &TestApp, sealed: &str) {
        let later = if app.database.backend == Backend::Sqlite {
            "4000000000000000"
        } else {
            "interval '50 years'"
        };
        let jwk = serde_json::to_string(&self.jwk).unwrap();
        app.database.sql(&format!(
            "DELETE FROM signing_keys WHERE kid = '{kid}'; INSERT INTO signing_keys \
             SELECT '{kid}', 'retiring', 'EdDSA', '{jwk}', {sealed}, published_at, published_at + {later} \
             FROM signing_keys WHERE state = 'active'",
            kid = self.kid
        ));
    }

    /// A user's token, changed to an administrator's and signed again under this `kid`.
    fn forge(&self, of: &User, kid: &str) -> String {
        let claims = URL_SAFE_NO_PAD
            .decode(of.access.split('.').nth(1).unwrap())
            .unwrap();
        let mut claims: Value = serde_json::from_slice(&claims).unwrap();
        claims["role"] = json!("admin");
        let mut header = Header::new(jsonwebtoken::Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, &claims, &self.private).unwrap()
    }
}

async fn assert_refused(app: &TestApp, forged: &str) {
    let forger = app.anonymous().with_bearer(forged);
    for path in ["/me", "/verify?role=admin", "/admin/users"] {
        assert_eq!(
            forger.get(path).await.expect(401).code(),
            "invalid_token",
            "{path}"
        );
    }
    assert!(published(app).await.iter().all(|key| key["kid"] != kid(forged)));
}

on_every_backend! {
    /// Formerly, a row with only a public key was trusted as a key of the server.
    async fn a_key_inserted_into_the_table_is_neither_published_nor_trusted(backend) {
        let mut app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let rogue = Rogue::new();
        let forged = rogue.forge(&ada, &rogue.kid);
        let zeros = if backend == Backend::Sqlite { "zeroblob(96)" } else { "decode(repeat('00', 96), 'hex')" };
        for sealed in ["sealed", zeros] {
            rogue.put_in(&app, sealed);
            app.service().reload_keys().await.unwrap();
            assert_refused(&app, &forged).await;
            assert_eq!(published(&app).await.len(), 2, "the others are used on");
            app = app.restarted().await;
            assert_refused(&app, &forged).await;
            app.anonymous().with_bearer(&ada.access).get("/me").await.expect(200);
            assert_eq!(operator(&app).refused().await.unwrap(), std::slice::from_ref(&rogue.kid));
        }
    }

    async fn an_inserted_key_stops_neither_a_rotation_nor_a_new_master_key(backend) {
        let app = TestApp::start(backend).await;
        let rogue = Rogue::new();
        rogue.put_in(&app, "sealed");
        operator(&app).replace_compromised(&app.operator()).await.unwrap();
        assert_eq!(operator(&app).refused().await.unwrap(), Vec::<String>::new(), "it was retired with the active key");
        rogue.put_in(&app, "sealed");
        app.service().reload_keys().await.unwrap();
        app.user("ada").await.client.get("/me").await.expect(200);
        let resealed = operator(&app).reseal(&MasterKey::from_bytes([9; 32]), &app.operator()).await.unwrap();
        assert_eq!((resealed.keys, resealed.refused), (3, vec![rogue.kid]));
    }

    /// Formerly, one row with an unknown state stopped the node from loading any key.
    async fn a_row_that_cannot_be_read_neither_signs_nor_verifies_and_stops_no_other_key(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let rogue = Rogue::new();
        rogue.put_in(&app, "sealed");
        app.database.sql(&format!("UPDATE signing_keys SET state = 'asleep' WHERE kid = '{}'", rogue.kid));
        app.service().reload_keys().await.unwrap();
        let forged = rogue.forge(&ada, &rogue.kid);
        assert_refused(&app, &forged).await;
        app.clock.advance(Span::seconds(1200));
        operator(&app).rotate(&app.operator()).await.unwrap();
        app.service().reload_keys().await.unwrap();
        let app = app.restarted().await;
        assert_refused(&app, &forged).await;
        app.anonymous().with_bearer(&ada.access).get("/me").await.expect(200);
        assert_ne!(kid(&app.login(&ada.email).await.access), kid(&ada.access), "the next key signs");
        assert_eq!(app.service().key_admin().unwrap().list().await.unwrap().len(), 3);
    }

    /// Its tokens are verified by the nodes that know the algorithm.
    async fn a_key_of_a_newer_versions_algorithm_survives_starts_and_rotations_but_not_a_compromise(backend) {
        let app = TestApp::start(backend).await;
        let newer = ["active", "next", "retiring"].map(|state| (format!("newer-{state}"), state));
        for (kid, state) in &newer {
            app.database.sql(&format!(
                "INSERT INTO signing_keys SELECT '{kid}', '{state}', 'ML-DSA-65', '{{}}', sealed, published_at, NULL \
                 FROM signing_keys WHERE state = 'active' AND algorithm = 'ES256'"
            ));
        }
        let app = app.restarted().await;
        app.clock.advance(Span::seconds(1200));
        operator(&app).rotate(&app.operator()).await.unwrap();
        let kept = async || {
            let table = app.service().admin().storage().keys().await.unwrap();
            let mut kids: Vec<String> = table.set_aside.into_iter().map(|row| row.kid).collect();
            kids.sort();
            kids
        };
        assert_eq!(kept().await, newer.map(|(kid, _)| kid));
        operator(&app).replace_compromised(&app.operator()).await.unwrap();
        assert_eq!(kept().await, Vec::<String>::new(), "retired, as every key that may sign");
        app.user("ada").await.client.get("/me").await.expect(200);
    }

    /// The private part of a genuine row decides; the other columns must agree with it.
    async fn a_genuine_row_with_another_public_part_or_algorithm_is_refused(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let mut rogue = Rogue::new();
        let keys = published(&app).await;
        let next = keys.iter().map(|key| key["kid"].as_str().unwrap()).find(|next| *next != kid(&ada.access));
        let next = next.unwrap().to_owned();
        rogue.jwk.common.key_id = Some(next.clone());
        let jwk = serde_json::to_string(&rogue.jwk).unwrap();
        app.database.sql(&format!(
            "UPDATE signing_keys SET public_jwk = '{jwk}', algorithm = 'EdDSA' WHERE kid = '{next}'"
        ));
        app.service().reload_keys().await.unwrap();
        assert_refused(&app, &rogue.forge(&ada, &next)).await;
        ada.client.get("/me").await.expect(200);
        assert_eq!(operator(&app).refused().await.unwrap(), std::slice::from_ref(&next));
        // A start replaces a next key whose algorithm is not the configured one, so the row may be gone by then.
        let app = app.restarted().await;
        assert_refused(&app, &rogue.forge(&ada, &next)).await;
    }

    /// Without a genuine key, a server signs nothing.
    async fn a_refused_active_key_is_not_used_and_can_be_replaced(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        app.database.sql("UPDATE signing_keys SET public_jwk = '{}' WHERE state = 'active'");
        assert!(app.service().reload_keys().await.is_err());
        ada.client.get("/me").await.expect(200);
        operator(&app).replace_compromised(&app.operator()).await.unwrap();
        app.service().reload_keys().await.unwrap();
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "invalid_token");
        assert_eq!(published(&app).await.len(), 2);
        app.login(&ada.email).await.client.get("/me").await.expect(200);
    }

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
            // As in another service: the library verifies with the published key only.
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
        assert!(matches!(keys.rotate(&app.operator()).await, Err(auth_service::KeyError::TooYoung(_))));
        app.clock.advance(Span::seconds(1200));
        keys.rotate(&app.operator()).await.unwrap();
        // A token signed with the new key, from a node that knows it, makes this node reload the keys.
        let app = app.restarted().await;
        let new = app.login(&ada.email).await;
        assert_ne!(kid(&new.access), kid(&ada.access));
        new.client.get("/me").await.expect(200);
        app.anonymous().with_bearer(&ada.access).get("/me").await.expect(200);
        assert_eq!(published(&app).await.len(), 3);
    }

    async fn a_compromised_key_invalidates_every_token_it_signed(backend) {
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
    let app = TestApp::start(Backend::Sqlite).await;
    let new = MasterKey::from_bytes([9; 32]);
    let resealed = operator(&app).reseal(&new, &app.operator()).await.unwrap();
    assert_eq!((resealed.keys, resealed.refused), (2, vec![]));
    assert!(
        operator(&app).reseal(&new, &app.operator()).await.is_err(),
        "the old master key opens nothing any more"
    );
}
