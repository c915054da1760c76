//! Ids have one spelling: a parsed id is shown as it was written, except for the case of its letters. For the ids of refresh tokens, the case
//! matters, too.

use auth_domain::{
    ids::{SessionId, UserId},
    rotation::RefreshTokenId,
};

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let raw = crate::text(input);
    if let Ok(id) = raw.parse::<SessionId>() {
        assert_eq!(id.to_string(), raw.to_lowercase(), "one spelling");
        assert_eq!(id.to_string().parse(), Ok(id), "shown and read back");
        assert_eq!(
            raw.parse::<UserId>().map(|user| user.as_uuid()),
            Ok(id.as_uuid()),
            "ids are spelled alike"
        );
    }
    let quoted = serde_json::Value::String(raw.to_owned());
    let read = serde_json::from_value::<RefreshTokenId>(quoted).ok();
    assert_eq!(read, raw.parse().ok(), "in a token as in a text");
    if let Some(id) = read {
        assert_eq!(id.to_string(), raw, "one spelling");
        assert_eq!(
            raw.split_once('.').map(|(session, _)| session.parse()),
            Some(Ok(id.session))
        );
    }
}
