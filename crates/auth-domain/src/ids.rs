//! Identifiers are distinct types over UUIDs, so that a session can't be handed in where a user is meant.
//!
//! They are UUIDv7 (RFC 9562 §5.7): they sort by the time of their creation, which keeps indexes dense. They name things and
//! prove nothing: knowing an id never grants anything.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// How many random bytes an id is made of, beside the time.
pub const ID_RANDOM_BYTES: usize = 10;

/// The text is not a UUID in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 36 characters are expected, as in 018f3f5e-7c1a-7a30-8d2e-0123456789ab")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id from the current time and ten random bytes.
            #[must_use]
            pub fn from_parts(now: Timestamp, random: [u8; ID_RANDOM_BYTES]) -> Self {
                let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The id that a stored UUID stands for.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, for storing.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Accepts the hyphenated form alone: one id has one spelling but for its letters' case.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                if text.len() != 36 {
                    return Err(NotAnId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| NotAnId)
            }
        }
    };
}

id!(
    /// A user.
    UserId
);
id!(
    /// A session: one sign-in on one device, and every token that came of it.
    SessionId
);
id!(
    /// An access token: its `jti` (RFC 7519 §4.1.7).
    TokenId
);
id!(
    /// A one-time token's row, such as the set-up token's.
    OneTimeTokenId
);
id!(
    /// A row of the audit log.
    AuditEventId
);
id!(
    /// A mail in the outbox.
    MailId
);
id!(
    /// An API key's row; the key itself is another thing.
    ApiKeyId
);

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn an_id_is_a_version_7_uuid_that_sorts_by_time() {
        let early = UserId::from_parts(DateTime::from_timestamp_millis(1_000).unwrap(), [255; 10]);
        let late = UserId::from_parts(DateTime::from_timestamp_millis(1_001).unwrap(), [0; 10]);
        assert_eq!(early.as_uuid().get_version_num(), 7);
        assert!(early < late);
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = SessionId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "7",
            "00000000000000000000000000000007",
            "{00000000-0000-0000-0000-000000000007}",
            "urn:uuid:00000000-0000-0000-0000-000000000007",
        ] {
            assert_eq!(wrong.parse::<SessionId>(), Err(NotAnId), "{wrong}");
        }
    }

    #[test]
    fn a_moment_before_1970_still_makes_an_id() {
        let id = TokenId::from_parts(DateTime::from_timestamp_millis(-5).unwrap(), [1; 10]);
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(
            serde_json::from_str::<TokenId>(&serde_json::to_string(&id).unwrap()).unwrap(),
            id
        );
    }
}
