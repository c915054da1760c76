//! Tests with two algorithms side by side, over a SQLite file.

use super::*;
use crate::parts::{
    config::for_tests::signing_with,
    entropy::SystemEntropy,
    keyring::KeyRing,
    tokens::{AccessVerifier, UnknownKey},
};
use auth_domain::{
    claims::{AccessClaims, Typ},
    keys::Algorithm::{ES256, EdDSA},
    time::Span,
};
use auth_storage::DatabaseConfig;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A database, for operations with different configured algorithms.
struct Database {
    storage: Storage,
    now: Timestamp,
    _folder: TempDir,
}

impl Database {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        let config = DatabaseConfig {
            url: url.into(),
            ..DatabaseConfig::default()
        };
        let storage = Storage::open(&config).await.unwrap();
        storage.migrate_up().await.unwrap();
        let now = storage.ping().await.unwrap();
        Self {
            storage,
            now,
            _folder: folder,
        }
    }

    fn configured_for(&self, algorithms: &[Algorithm]) -> KeyAdmin {
        let master = MasterKey::from_bytes([7; 32]);
        let admin = KeyAdmin::new(
            self.storage.clone(),
            master,
            signing_with(ES256),
            Arc::new(SystemEntropy),
        );
        KeyAdmin {
            algorithms: algorithms.to_vec(),
            ..admin
        }
    }

    fn operator(&self, after: Span) -> Caller {
        Caller::operator(self.now + after)
    }
}

fn claims() -> AccessClaims {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    serde_json::from_value(json!({
        "iss": "i", "sub": id, "aud": "a", "client_id": "keyward", "exp": 2, "iat": 1, "jti": id, "sid": id, "gen": 0,
        "email": "a@example.com", "email_verified": true, "role": "user", "type": "access",
    }))
    .unwrap()
}

fn token(keys: &KeySet, algorithm: Algorithm, typ: Typ) -> String {
    let signer = keys.signing(algorithm).unwrap();
    signer.sign(typ, &claims()).unwrap().expose_secret().to_owned()
}

fn header(token: &str) -> Value {
    let encoded = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}

fn with_header(token: &str, header: &Value) -> String {
    let rest = token.split_once('.').unwrap().1;
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

/// Whether a new verifier accepts the token.
fn verifies(keys: &KeySet, token: &str) -> bool {
    matches!(AccessVerifier::new().verify(token, keys), Ok(Ok(_)))
}

#[tokio::test]
async fn one_algorithm_is_rotated_while_the_other_stays_and_all_keys_are_published() {
    let database = Database::new().await;
    database
        .configured_for(&[ES256])
        .complete(database.now)
        .await
        .unwrap();
    let both = database.configured_for(&[ES256, EdDSA]);
    let young = Span::minutes(10);
    let before = both.complete(database.now + young).await.unwrap();
    let old = [ES256, EdDSA].map(|algorithm| token(&before, algorithm, Typ::Access));
    for (token, algorithm) in old.iter().zip(["ES256", "EdDSA"]) {
        assert_eq!(header(token)["alg"], algorithm);
        assert!(verifies(&before, token));
    }

    // By now the next key of ES256 is old enough to sign, and that of EdDSA is not.
    both.rotate(&database.operator(Span::minutes(20))).await.unwrap();
    let after = both.load_if_changed(&before).await.unwrap().unwrap();
    let new = [ES256, EdDSA].map(|algorithm| token(&after, algorithm, Typ::Access));
    let kid = |token: &str| header(token)["kid"].clone();
    assert_ne!(kid(&old[0]), kid(&new[0]));
    assert_eq!(kid(&old[1]), kid(&new[1]));
    for token in old.iter().chain(&new) {
        assert!(verifies(&after, token), "{token}");
    }
    let published: Value = serde_json::from_str(&after.jwks()).unwrap();
    let mut published: Vec<_> = published["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["alg"])
        .collect();
    published.sort_by_key(|algorithm| algorithm.to_string());
    assert_eq!(published, ["ES256", "ES256", "ES256", "EdDSA", "EdDSA"]);
}

#[tokio::test]
async fn a_token_of_one_algorithm_never_verifies_under_a_key_of_another() {
    let database = Database::new().await;
    let both = database.configured_for(&[ES256, EdDSA]);
    let keys = both.complete(database.now).await.unwrap();
    let tokens = [ES256, EdDSA].map(|algorithm| token(&keys, algorithm, Typ::Access));
    let headers = [header(&tokens[0]), header(&tokens[1])];
    for (token, own, other) in [
        (&tokens[0], &headers[0], &headers[1]),
        (&tokens[1], &headers[1], &headers[0]),
    ] {
        assert!(verifies(&keys, token));
        let mut foreign_key = own.clone();
        foreign_key["kid"] = other["kid"].clone();
        let mut foreign_algorithm = own.clone();
        foreign_algorithm["alg"] = other["alg"].clone();
        for forged in [&foreign_key, &foreign_algorithm, other] {
            assert!(!verifies(&keys, &with_header(token, forged)), "{forged}");
        }
    }
}

#[tokio::test]
async fn a_verifier_accepts_tokens_of_its_own_type_alone() {
    let database = Database::new().await;
    let keys = database
        .configured_for(&[ES256])
        .complete(database.now)
        .await
        .unwrap();
    assert_eq!(header(&token(&keys, ES256, Typ::Access))["typ"], "at+jwt");
    assert!(!verifies(&keys, &token(&keys, ES256, Typ::Refresh)));
    assert!(keys.signing(EdDSA).is_err(), "it is not configured");
}

#[tokio::test]
async fn a_changed_algorithm_signs_with_the_key_before_it_until_the_rotation() {
    let database = Database::new().await;
    database
        .configured_for(&[ES256])
        .complete(database.now)
        .await
        .unwrap();
    let changed = database.configured_for(&[EdDSA]);
    let keys = changed.complete(database.now).await.unwrap();
    assert_eq!(header(&token(&keys, EdDSA, Typ::Access))["alg"], "ES256");
    changed
        .rotate(&database.operator(Span::minutes(20)))
        .await
        .unwrap();
    let keys = changed.load_if_changed(&keys).await.unwrap().unwrap();
    assert_eq!(header(&token(&keys, EdDSA, Typ::Access))["alg"], "EdDSA");
}

#[tokio::test]
async fn compromised_keys_of_all_algorithms_are_removed_together() {
    let database = Database::new().await;
    let both = database.configured_for(&[ES256, EdDSA]);
    let before = both.complete(database.now).await.unwrap();
    both.replace_compromised(&database.operator(Span::zero()))
        .await
        .unwrap();
    let after = both.load_if_changed(&before).await.unwrap().unwrap();
    for algorithm in [ES256, EdDSA] {
        let stolen = token(&before, algorithm, Typ::Access);
        assert!(!verifies(&after, &stolen));
        assert!(verifies(&after, &token(&after, algorithm, Typ::Access)));
    }
}

/// Otherwise each token with an unknown key would make the node read and open all keys.
#[tokio::test]
async fn keys_that_cannot_be_used_are_reloaded_once_a_second_at_most() {
    let database = Database::new().await;
    let admin = database.configured_for(&[ES256]);
    let keys = admin.complete(database.now).await.unwrap();
    let ring = KeyRing::new(keys, Some(admin), database.now);
    let stored = database.storage.keys().await.unwrap().keys;
    let drops = stored.iter().map(|key| keys::retired(&key.standing)).collect();
    database
        .storage
        .change_keys(drops, vec![], None)
        .await
        .unwrap()
        .unwrap();
    let at = |millis| database.now + Span::milliseconds(millis);
    let reloaded = ring.reload_for_unknown_key(at(1000)).await;
    assert!(matches!(reloaded, Err(Failure::Internal(_))));
    assert!(
        ring.reload_for_unknown_key(at(1999)).await.is_ok(),
        "it did not reload"
    );
    let unknown = UnknownKey("of-another-node".to_owned());
    assert!(ring.may_be_known_elsewhere(&unknown).await);
    assert!(ring.reload_for_unknown_key(at(2000)).await.is_err());
}
