//! Redis URLs, and the display of database URLs: the password of a URL is never shown, whatever the URL looks like.
//!
//! The input has three lines: the text before, between and after two passwords.

use auth_redis::RedisUrls;
use keyward::config::url_without_password;

const PASSWORD: &str = "Hunter2Hunter2";

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let raw = crate::text(input);
    if let Ok(urls) = RedisUrls::parse(raw) {
        let shown = urls.to_string();
        assert!(
            !shown.contains('@') || raw.contains("unix") || raw.contains("%40"),
            "{shown}"
        );
        assert_eq!(format!("{urls:?}"), format!("RedisUrls({shown})"));
    }
    // A password in the host is shown.
    if raw.contains(PASSWORD) {
        return;
    }
    let mut parts = raw.splitn(3, '\n');
    let [host, second, rest] = [(); 3].map(|()| parts.next().unwrap_or_default());
    for scheme in ["redis", "rediss", "redis+unix", "postgres"] {
        // A password is between the user and the host. A host does not begin with @ or a slash.
        let plain = |text: &str| !text.contains(['/', '@', ',', '?', '#', ':']);
        if !plain(host) || !plain(second) {
            continue;
        }
        let url = format!("{scheme}://{second}:{PASSWORD}@{host}{rest}");
        check_shown(&url_without_password(&url));
        match RedisUrls::parse(&url) {
            Ok(urls) => {
                check_shown(&urls.to_string());
                check_shown(&format!("{urls:?}"));
            }
            Err(invalid) => check_shown(&invalid.to_string()),
        }
    }
}

fn check_shown(text: &str) {
    assert!(!text.contains(PASSWORD), "the password is shown: {text}");
}
