//! Short texts: display names, roles, client ids, idempotency keys, and names of devices, which exist for every user agent.

use auth_domain::{
    client::ClientId,
    device::device_name,
    idempotency::IdempotencyKey,
    invisible::shows_all,
    role::Role,
    session::EndReason,
    user::{DisplayName, UserStatus, is_invisible_control},
};

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let raw = crate::text(input);
    check_display_name(raw);
    check_device(raw);
    if let Ok(role) = raw.parse::<Role>() {
        assert_eq!(role.as_str(), raw);
        assert!(raw.len() <= 32 && raw.is_ascii());
    }
    if let Ok(client) = raw.parse::<ClientId>() {
        assert_eq!(client.as_str(), raw);
        assert!(
            raw.len() <= 64 && raw.is_ascii() && !raw.contains(':'),
            "a client id can be part of a Basic header"
        );
    }
    if let Ok(key) = IdempotencyKey::parse(raw) {
        assert_eq!(key.as_bytes(), raw.as_bytes());
        assert!((16..=128).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_graphic()));
    }
    if let Ok(status) = raw.parse::<UserStatus>() {
        assert_eq!(status.as_str(), raw);
    }
    if let Ok(why) = raw.parse::<EndReason>() {
        assert_eq!(why.as_str(), raw);
    }
}

fn check_display_name(raw: &str) {
    let Ok(name) = DisplayName::parse(raw) else { return };
    assert_eq!(name.as_str(), raw.trim());
    assert!((1..=100).contains(&name.as_str().chars().count()));
    assert!(!name.as_str().chars().any(is_invisible_control));
    assert!(shows_all(name.as_str()));
    assert_eq!(
        DisplayName::stored(raw).as_ref(),
        Ok(&name),
        "an accepted name can be read from storage"
    );
    assert_eq!(
        DisplayName::parse(&name.to_string()),
        Ok(name),
        "shown and read back"
    );
}

fn check_device(raw: &str) {
    let name = device_name(raw);
    assert!((1..=60).contains(&name.len()), "{name:?} is short");
    assert!(
        name.bytes().all(|b| b == b' ' || b.is_ascii_graphic()),
        "{name:?} is plain"
    );
    assert!(
        !name.contains(['<', '>', '&', '"', '\'']),
        "{name:?} contains no markup"
    );
}
