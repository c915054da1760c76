//! What may be shown of a value. Secrets are hidden by the name of their key, so that one that is added later is hidden
//! too, and passwords in URLs wherever they stand.

use toml::Value;

/// What stands in for a secret.
pub const HIDDEN: &str = "********";

/// Whether a key's whole value is a secret, or may hold one in a form that is not known beforehand.
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
        Value::String(text) => Value::String(url_without_password(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| shown(key, item)).collect()),
        _ => value.clone(),
    }
}

/// A text whose URLs have their passwords hidden: between the user and the last `@`, and in `password=`. Hides too much
/// rather than too little: an `@` in a path hides what is before it.
#[must_use]
pub fn url_without_password(text: &str) -> String {
    text.split(',').map(one_url).collect::<Vec<_>>().join(",")
}

fn one_url(text: &str) -> String {
    let hidden = match text.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((userinfo, host)) => {
                let user = userinfo.split(':').next().unwrap_or_default();
                format!("{scheme}://{user}:{HIDDEN}@{host}")
            }
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    // libpq also takes `?password=…` and the form `host=… password=…`.
    match hidden.find("password=") {
        Some(at) => {
            let (before, after) = hidden.split_at(at + "password=".len());
            let rest = after
                .find(['&', ' '])
                .map_or("", |end| after.get(end..).unwrap_or_default());
            format!("{before}{HIDDEN}{rest}")
        }
        None => hidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_hidden_wherever_it_stands() {
        let cases = [
            ("postgres://kw:hunter2@db/kw", "postgres://kw:********@db/kw"),
            ("postgres://kw:hun@ter2@db/kw", "postgres://kw:********@db/kw"),
            (
                "postgres://db/kw?user=kw&password=hunter2&x=1",
                "postgres://db/kw?user=kw&password=********&x=1",
            ),
            (
                "host=db password=hunter2 user=kw",
                "host=db password=******** user=kw",
            ),
            (
                "redis://:hunter2@a:1/0,redis://:hunter2@b:1/0",
                "redis://:********@a:1/0,redis://:********@b:1/0",
            ),
            ("redis://a:6379/0", "redis://a:6379/0"),
            ("sqlite://data/keyward.db", "sqlite://data/keyward.db"),
        ];
        for (raw, masked) in cases {
            assert_eq!(url_without_password(raw), masked);
            assert!(!masked.contains("hunter2"));
        }
    }

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
    }
}
