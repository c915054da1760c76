//! The id of each request, on its answer and in its log line: the client's if it is valid, else a new one.
//!
//! New ids are hashes of a counter under keys that the process drew at its start. They are distinct and reveal nothing about the number
//! of requests. They are no proof of anything.

use actix_web::http::header::HeaderMap;
use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    rc::Rc,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// The header of the id, in requests and answers.
pub const X_REQUEST_ID: &str = "x-request-id";

static KEYS: LazyLock<(RandomState, RandomState)> =
    LazyLock::new(|| (RandomState::new(), RandomState::new()));
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A request id: 1–128 of the characters that need no escaping in a header, a log line or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Rc<str>);

impl RequestId {
    /// The client's id, or a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|text| is_valid(text));
        given.map_or_else(Self::new, |text| Self(text.into()))
    }

    fn new() -> Self {
        let (high, low) = &*KEYS;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{:016x}{:016x}", high.hash_one(count), low.hash_one(count)).into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_valid(text: &str) -> bool {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'=' | b'+' | b':' | b'/')
    };
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use std::collections::HashSet;

    fn of(value: &str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(X_REQUEST_ID),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
        RequestId::of(&headers)
    }

    #[test]
    fn a_valid_id_of_the_client_is_kept() {
        for kept in [
            "abc",
            "018f3f5e-7c1a-7a30-8d2e-0123456789ab",
            "Root=1-67891233-abcdef",
            &"x".repeat(128),
        ] {
            assert_eq!(of(kept).as_str(), kept);
        }
    }

    #[test]
    fn an_invalid_one_is_replaced() {
        for odd in [
            "",
            "a b",
            "a\"b",
            "{}",
            "é",
            "a,b",
            "\u{1b}[31m",
            &"x".repeat(129),
        ] {
            let Ok(_) = HeaderValue::from_bytes(odd.as_bytes()) else {
                continue;
            };
            assert_ne!(of(odd).as_str(), odd, "{odd:?}");
            assert!(is_valid(of(odd).as_str()));
        }
    }

    #[test]
    fn new_ids_differ() {
        let ids: HashSet<String> = (0..10_000).map(|_| RequestId::new().to_string()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
