//! Redis URLs, and URLs of databases as they are shown: whatever a URL looks like, its password is shown nowhere.
//!
//! The input is what stands before, between and behind two passwords: three lines.

use auth_redis::RedisUrls;
use keyward::config::url_without_password;

const PASSWORD: &str = "Hunter2Hunter2";

/// See the module.
///
/// # Panics
/// If a property is lost.
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
    // Whoever writes the password into the host has it shown.
    if raw.contains(PASSWORD) {
        return;
    }
    let mut parts = raw.splitn(3, '\n');
    let [host, second, rest] = [(); 3].map(|()| parts.next().unwrap_or_default());
    for scheme in ["redis", "rediss", "redis+unix", "postgres"] {
        // Where a password may stand: between the user and the host. A host begins with no @ and no slash.
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
            Err(unusable) => check_shown(&unusable.to_string()),
        }
    }
}

fn check_shown(text: &str) {
    assert!(!text.contains(PASSWORD), "the password is shown: {text}");
}
