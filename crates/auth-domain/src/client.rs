//! A machine client: another service that may ask `/introspect` and `/revoke` (RFC 6749 §2.2).

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A client's id: 1–64 characters of `a–z`, `0–9`, `.`, `_` and `-`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// The text can't be a client's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a client id is 1 to 64 characters of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit")]
pub struct NotAClientId;

impl ClientId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = NotAClientId;

    fn from_str(text: &str) -> Result<Self, NotAClientId> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = text.len() <= 64
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAClientId)
        }
    }
}

impl TryFrom<String> for ClientId {
    type Error = NotAClientId;

    fn try_from(text: String) -> Result<Self, NotAClientId> {
        text.parse()
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A registered client. Its secret is 256 random bits, so one SHA-256 of it is stored and no slow hash is needed.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// The SHA-256 of its secret.
    pub secret_digest: [u8; 32],
    /// When it was registered.
    pub created_at: Timestamp,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn a_client_id_needs_no_escaping_anywhere() {
        for good in ["billing", "svc-1.eu_west", "0"] {
            assert_eq!(good.parse::<ClientId>().unwrap().as_str(), good);
        }
        let long = "a".repeat(65);
        for bad in ["", "-a", "A", "a:b", "a b", "é", long.as_str()] {
            assert_eq!(ClientId::try_from(bad.to_owned()), Err(NotAClientId), "{bad}");
        }
        assert_eq!(String::from("a.b".parse::<ClientId>().unwrap()), "a.b");
    }

    #[test]
    fn a_client_never_shows_its_digest() {
        let id: ClientId = "billing".parse().unwrap();
        let client = Client {
            id: id.clone(),
            secret_digest: [77; 32],
            created_at: DateTime::UNIX_EPOCH,
        };
        assert!(!format!("{client:?}").contains("77"));
        assert_eq!(id.to_string(), "billing");
    }
}
