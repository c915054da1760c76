//! The `Idempotency-Key` of a refresh: what lets a client that lost the answer ask again (docs/rules.md §3).
//!
//! The key itself is never stored, only its digest; and a rotation without a key equals no other rotation.

use std::fmt;
use subtle::ConstantTimeEq;

/// A well-formed key, as the client sent it: 16–128 visible ASCII characters.
///
/// ```
/// use auth_domain::idempotency::IdempotencyKey;
///
/// assert!(IdempotencyKey::parse("3f0c8a5e91d24b76").is_ok());
/// assert!(IdempotencyKey::parse("too short").is_err());
/// ```
pub struct IdempotencyKey<'a>(&'a str);

/// The key is not 16–128 visible ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an Idempotency-Key is 16 to 128 visible ASCII characters, random for each refresh")]
pub struct InvalidIdempotencyKey;

impl<'a> IdempotencyKey<'a> {
    /// Parses a header's value.
    pub fn parse(raw: &'a str) -> Result<Self, InvalidIdempotencyKey> {
        if (16..=128).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(raw))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }

    /// What the digest is computed over.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The SHA-256 digest of a key.
#[derive(Clone, Copy)]
pub struct IdempotencyDigest([u8; 32]);

impl IdempotencyDigest {
    /// Wraps a digest that was computed or loaded.
    #[must_use]
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest, for storing.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for IdempotencyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for IdempotencyDigest {}

impl fmt::Debug for IdempotencyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_16_to_128_visible_ascii_characters() {
        let (short, least, most, long) = ("k".repeat(15), "k".repeat(16), "k".repeat(128), "k".repeat(129));
        assert!(IdempotencyKey::parse(&short).is_err());
        assert_eq!(
            IdempotencyKey::parse(&least).ok().unwrap().as_bytes(),
            least.as_bytes()
        );
        assert!(IdempotencyKey::parse(&most).is_ok());
        assert!(IdempotencyKey::parse(&long).is_err());
        for bad in ["0123456789abcde f", "0123456789abcdef\n", "0123456789abcdefé"] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_shows_nothing_of_itself() {
        let digest = IdempotencyDigest::new([7; 32]);
        assert_eq!(format!("{digest:?}"), "IdempotencyDigest(…)");
        assert_eq!(digest, IdempotencyDigest::new(*digest.as_bytes()));
        assert_ne!(digest, IdempotencyDigest::new([8; 32]));
    }
}
