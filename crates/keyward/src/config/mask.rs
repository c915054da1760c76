//! Masks secrets in values. The rule: a secret is recognised by the name of its key, so that a key that is added later is masked, too.
//! Passwords in URLs are masked in every value.

use auth_domain::connection_url::{self, HIDDEN};
use toml::Value;

/// Whether the value of a key is a secret, or may contain one in a form that is not known beforehand.
#[must_use]
pub(super) fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    is_wholly_secret(name) || matches!(key, "database.url" | "redis.url")
}

fn is_wholly_secret(name: &str) -> bool {
    ["secret", "password", "token", "master_key", "credential"]
        .iter()
        .any(|word| name == *word || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('_')))
}

/// A value as it may be shown.
#[must_use]
pub(super) fn shown(key: &str, value: &Value) -> Value {
    let name = key.rsplit('.').next().unwrap_or(key);
    match value {
        Value::String(text) if text.is_empty() => value.clone(),
        Value::String(_) if is_wholly_secret(name) => Value::String(HIDDEN.to_owned()),
        Value::String(text) if is_secret(key) => Value::String(connection_url::shown(text)),
        Value::String(text) => Value::String(connection_url::shown_text(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| shown(key, item)).collect()),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_the_name_of_its_key() {
        for key in ["tokens.secret", "mail.smtp_password", "database.url", "redis.url"] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "server.public_url",
            "password.min_length",
            "tokens.access_ttl",
            "log.level",
        ] {
            assert!(!is_secret(key), "{key}");
        }
        let list = Value::Array(vec!["redis://:a@b".into()]);
        assert_eq!(shown("redis.url", &list).to_string(), "[\"redis://:********@b\"]");
        assert_eq!(shown("tokens.secret", &"abc".into()).as_str(), Some(HIDDEN));
        assert_eq!(shown("tokens.secret", &"".into()).as_str(), Some(""));
        let elsewhere = shown("mail.link_base", &"https://kw:hunter2@auth.example".into());
        assert_eq!(elsewhere.as_str(), Some("https://kw:********@auth.example"));
    }
}
