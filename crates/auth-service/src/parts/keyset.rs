//! The set of signing keys in use: the one that signs for each algorithm, those that verify, and the JWK Set that is published.
//!
//! A key is generated and sealed here, stored sealed, and opened here. Its `kid` is its RFC 7638 thumbprint, so that the same key
//! has the same name on every node.

use crate::parts::{entropy::Entropy, failure::Failure, master_key::MasterKey, signer::Signer};
use auth_domain::{
    keys::{Algorithm, KeyStanding, KeyState, KeysByAlgorithm},
    time::Timestamp,
};
use auth_storage::signing_keys;
use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    DecodingKey, EncodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use std::{collections::HashMap, sync::Arc};
use zeroize::Zeroizing;

/// The algorithm, as the JWT library names it.
pub(crate) const fn library_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::HS256 => jsonwebtoken::Algorithm::HS256,
    }
}

/// A key that verifies, pinned to its algorithm (RFC 8725 §3.1).
pub(crate) struct VerifyingKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

/// The keys at one time. The set is replaced as a whole.
pub(crate) struct KeySet {
    /// The signer of each configured algorithm.
    signing: HashMap<Algorithm, Signer>,
    /// The verifying keys by `kid`. A shared secret has none; its entry has an empty one.
    verifying: HashMap<String, VerifyingKey>,
    jwks: Arc<str>,
    /// The rows that it was built from, refused ones too, to find out whether one of them changed.
    rows: Vec<signing_keys::Stored>,
}

fn key_failure(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::internal(format!("signing key: {what}: {error}"))
}

impl KeySet {
    /// The set of a shared secret. Nothing is published.
    pub(crate) fn shared_secret(secret: &[u8]) -> Self {
        let verifying = VerifyingKey {
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret),
        };
        Self {
            signing: HashMap::from([(Algorithm::HS256, Signer::shared_secret(secret))]),
            verifying: HashMap::from([(String::new(), verifying)]),
            jwks: r#"{"keys":[]}"#.into(),
            rows: Vec::new(),
        }
    }

    /// The set of the opened keys, out of all stored rows, for the configured algorithms.
    ///
    /// # Errors
    /// [`Failure::Internal`] if none of them is active.
    pub(crate) fn of(
        configured: &[Algorithm],
        opened: &[OpenedKey],
        stored: &[signing_keys::Stored],
    ) -> Result<Self, Failure> {
        let keys = opened.iter().map(|key| (key.algorithm, key.standing.clone()));
        let keys = KeysByAlgorithm::of(configured, keys.collect());
        let mut signing = HashMap::new();
        for algorithm in configured {
            let active = keys.signing(*algorithm);
            if let Some(key) = active.and_then(|active| opened.iter().find(|key| key.standing == *active)) {
                let signer = Signer::stored(key.algorithm, &key.standing.kid, &key.private)?;
                signing.insert(*algorithm, signer);
            }
        }
        if signing.is_empty() {
            return Err(key_failure(
                "no active key can be used",
                "make one with `keyward keys rotate --compromised`",
            ));
        }
        let mut verifying = HashMap::new();
        for OpenedKey {
            standing,
            algorithm,
            jwk,
            ..
        } in opened
        {
            let key = DecodingKey::from_jwk(jwk).map_err(|error| key_failure(&standing.kid, error))?;
            let algorithm = *algorithm;
            verifying.insert(standing.kid.clone(), VerifyingKey { algorithm, key });
        }
        let published: Vec<&Jwk> = opened.iter().map(|key| &key.jwk).collect();
        let jwks = serde_json::to_string(&serde_json::json!({ "keys": published }))
            .map_err(|e| key_failure("jwks", e))?;
        Ok(Self {
            signing,
            verifying,
            jwks: jwks.into(),
            rows: stored.to_vec(),
        })
    }

    /// Whether the stored rows are the ones that this set was built from.
    pub(crate) fn is_built_from(&self, stored: &[signing_keys::Stored]) -> bool {
        self.rows == stored
    }

    /// The signer for this algorithm. After a change of the configured algorithm it is a key of the former algorithm, until the
    /// next rotation.
    ///
    /// # Errors
    /// [`Failure::Internal`] if no active key of it can be used.
    pub(crate) fn signing(&self, algorithm: Algorithm) -> Result<&Signer, Failure> {
        let signer = self.signing.get(&algorithm);
        signer.ok_or_else(|| key_failure(algorithm.as_str(), "no active key can be used"))
    }

    pub(crate) fn verifying(&self, kid: Option<&str>) -> Option<&VerifyingKey> {
        self.verifying.get(kid.unwrap_or_default())
    }

    pub(crate) fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.jwks)
    }
}

/// A stored key that this server created: its private part opens for this row, and the public part and the `kid` are derived from
/// the private part. Nothing else in a row is proof: an attacker who can write the table can store a public key of their own.
pub(crate) struct OpenedKey {
    standing: KeyStanding,
    algorithm: Algorithm,
    /// PKCS #8.
    pub(crate) private: Zeroizing<Vec<u8>>,
    jwk: Jwk,
}

impl OpenedKey {
    /// Opens a row.
    ///
    /// # Errors
    /// [`Failure::Internal`]: the row is refused. It was sealed with another master key or for another row, or its columns are not
    /// those of its private part.
    pub(crate) fn of(stored: &signing_keys::Stored, master: &MasterKey) -> Result<Self, Failure> {
        let kid = &stored.standing.kid;
        let algorithm = stored.algorithm;
        let private = master
            .open(kid, &stored.sealed)
            .map_err(|error| key_failure(kid, error))?;
        let (derived, jwk) = public_part(algorithm, &private)?;
        let stored_jwk: Jwk =
            serde_json::from_str(&stored.public_jwk).map_err(|error| key_failure(kid, error))?;
        if derived != *kid || jwk != stored_jwk {
            return Err(key_failure(
                kid,
                "its public part is not that of its private part",
            ));
        }
        Ok(Self {
            standing: stored.standing.clone(),
            algorithm,
            private,
            jwk,
        })
    }
}

/// The public part of a private key (PKCS #8), and its `kid`.
fn public_part(algorithm: Algorithm, private: &[u8]) -> Result<(String, Jwk), Failure> {
    let mut jwk = Jwk::from_encoding_key(&encoding_key(algorithm, private)?, library_algorithm(algorithm))
        .map_err(|error| key_failure("public part", error))?;
    let kid = jwk
        .thumbprint(ThumbprintHash::SHA256)
        .map_err(|error| key_failure("thumbprint", error))?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((kid, jwk))
}

/// Generates a key and seals it.
///
/// # Errors
/// [`Failure::Internal`] if the key can't be generated; [`Failure::Unavailable`] without entropy.
pub(crate) fn generate(
    algorithm: Algorithm,
    state: KeyState,
    now: Timestamp,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<signing_keys::Stored, Failure> {
    let private = generate_private(algorithm)?;
    let (kid, jwk) = public_part(algorithm, &private)?;
    let public_jwk = serde_json::to_string(&jwk).map_err(|error| key_failure("public part", error))?;
    let sealed = master.seal(&kid, &private, entropy)?;
    let standing = KeyStanding {
        kid,
        state,
        published_at: now,
        verifies_until: None,
    };
    Ok(signing_keys::Stored {
        standing,
        algorithm,
        public_jwk,
        sealed,
    })
}

/// A private key as PKCS #8.
fn generate_private(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |_| key_failure("generation", "failed");
    let der = match algorithm {
        Algorithm::ES256 => {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            pkcs8.map_err(failed)?.as_ref().to_vec()
        }
        Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
            .map_err(failed)?
            .as_ref()
            .to_vec(),
        Algorithm::RS256 => RsaKeyPair::generate(KeySize::Rsa2048)
            .and_then(|pair| pair.as_der())
            .map_err(failed)?
            .as_ref()
            .to_vec(),
        Algorithm::HS256 => return Err(Failure::internal("with HS256 no key is stored")),
    };
    Ok(Zeroizing::new(der))
}

fn encoding_key(algorithm: Algorithm, pkcs8: &[u8]) -> Result<EncodingKey, Failure> {
    match algorithm {
        Algorithm::ES256 => Ok(EncodingKey::from_ec_der(pkcs8)),
        Algorithm::EdDSA => Ok(EncodingKey::from_ed_der(pkcs8)),
        Algorithm::RS256 => {
            // The library needs RSA keys as PKCS #1, which it extracts from a PKCS #8 PEM by itself.
            let body = Zeroizing::new(STANDARD.encode(pkcs8));
            let pem = Zeroizing::new(format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                *body
            ));
            EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| key_failure("RSA key", error))
        }
        Algorithm::HS256 => Err(Failure::internal("with HS256 no key is stored")),
    }
}
