//! The algorithms that sign tokens.

use serde::Deserialize;
use std::{fmt, str::FromStr};

/// How a token is signed: the `alg` of its header (RFC 7518 §3.1, RFC 8037 §3.1), and `tokens.algorithm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA with 2048 bits, PKCS #1 v1.5.
    RS256,
    /// HMAC with a secret that the services share. It has no key pair: nothing is stored, published or rotated.
    HS256,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 4] = [Self::ES256, Self::EdDSA, Self::RS256, Self::HS256];

    /// The word in a token's header and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::HS256 => "HS256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no algorithm that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an algorithm is ES256, EdDSA, RS256 or HS256")]
pub struct NotAnAlgorithm;

impl FromStr for Algorithm {
    type Err = NotAnAlgorithm;

    fn from_str(text: &str) -> Result<Self, NotAnAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or(NotAnAlgorithm)
    }
}
