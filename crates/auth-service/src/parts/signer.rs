//! Signing tokens in the compact serialization (RFC 7515 §7.1). The rule: a private key is parsed once, when its set is opened, and
//! never for a single token, because parsing costs as much as an ES256 signature.

use crate::parts::failure::Failure;
use auth_domain::{claims::Typ, keys::Algorithm};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde::Serialize;

/// A signing key, with its algorithm and `kid` for the header of a token.
pub(crate) struct Signer {
    algorithm: Algorithm,
    /// `None` for a shared secret.
    kid: Option<String>,
    key: PrivateKey,
}

/// A private key, ready for use.
enum PrivateKey {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Shared(Box<hmac::Key>),
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl Signer {
    /// The signer with a stored key (PKCS #8).
    ///
    /// # Errors
    /// [`Failure::Internal`] if it is no key of this algorithm.
    pub(crate) fn stored(algorithm: Algorithm, kid: &str, pkcs8: &[u8]) -> Result<Self, Failure> {
        let refused = |error| Failure::internal(format!("signing key: {kid}: {error}"));
        let key = match algorithm {
            Algorithm::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                .map(PrivateKey::Ecdsa)
                .map_err(refused)?,
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8(pkcs8)
                .map(PrivateKey::Ed25519)
                .map_err(refused)?,
            Algorithm::RS256 => RsaKeyPair::from_pkcs8(pkcs8)
                .map(PrivateKey::Rsa)
                .map_err(refused)?,
            Algorithm::HS256 => return Err(Failure::internal("with HS256 no key is stored")),
        };
        Ok(Self {
            algorithm,
            kid: Some(kid.to_owned()),
            key,
        })
    }

    /// The signer with a shared secret (HS256).
    pub(crate) fn shared_secret(secret: &[u8]) -> Self {
        Self {
            algorithm: Algorithm::HS256,
            kid: None,
            key: PrivateKey::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))),
        }
    }

    /// Signs claims as a token of this type. With HS256, EdDSA and RS256 the same claims result in the same token, byte for byte.
    ///
    /// # Errors
    /// [`Failure::Internal`], if the key fails.
    pub(crate) fn sign(&self, typ: Typ, claims: &impl Serialize) -> Result<SecretString, Failure> {
        let header = json(&Header {
            typ: typ.as_str(),
            alg: self.algorithm.as_str(),
            kid: self.kid.as_deref(),
        })?;
        let claims = json(claims)?;
        // The capacity is enough for the longest signature, that of a 2048-bit RSA key: a string that grows leaves copies of
        // secrets in memory.
        let encoded = |part: &[u8]| part.len().div_ceil(3) * 4;
        let mut token = String::with_capacity(encoded(&header) + 1 + encoded(&claims) + 1 + 342);
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.key.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token.into())
    }
}

impl PrivateKey {
    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let failed = |_| Failure::internal("signing failed");
        let rng = SystemRandom::new();
        Ok(match self {
            Self::Ecdsa(pair) => pair.sign(&rng, message).map_err(failed)?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature)
                    .map_err(failed)?;
                signature
            }
            Self::Shared(key) => hmac::sign(key, message).as_ref().to_vec(),
        })
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value)
        .map_err(|error| Failure::internal(format!("a token could not be serialized: {error}")))
}
