//! The database URL: which database it names, and the connection parameters that are added to it. The rule: no error shows a part of
//! the URL that could be a password.

use crate::error::OpenError;
use auth_domain::connection_url::ConnectionUrl;
use std::path::PathBuf;

/// A database.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server: the connection URL for libpq. Secret.
    Postgres(String),
}

/// The libpq parameters that are added unless the operator sets them. Only the primary is accepted. A dead peer is noticed within
/// seconds, and so is a frozen one once its machine stops acknowledging packets.
const PARAMETERS: [(&str, &str); 8] = [
    ("connect_timeout", "3"),
    ("target_session_attrs", "read-write"),
    ("keepalives", "1"),
    ("keepalives_idle", "3"),
    ("keepalives_interval", "1"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "5000"),
    ("application_name", "keyward"),
];

impl Address {
    /// Parses `sqlite://PATH`, `sqlite:PATH`, `postgres://…` and `postgresql://…`.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            return sqlite(rest.strip_prefix("//").unwrap_or(rest));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let parts = ConnectionUrl::parse(url).ok_or(OpenError::MalformedAddress)?;
            return Ok(Self::Postgres(with_parameters(&parts.encoded())));
        }
        Err(if url.contains(":memory:") {
            OpenError::InMemory
        } else {
            OpenError::UnknownAddress
        })
    }
}

fn sqlite(path: &str) -> Result<Address, OpenError> {
    if path.contains(":memory:") {
        return Err(OpenError::InMemory);
    }
    if path.contains('?') {
        return Err(OpenError::SqliteParameters);
    }
    if path.is_empty() || path.contains('\0') {
        return Err(OpenError::UnknownAddress);
    }
    Ok(Address::Sqlite(PathBuf::from(path)))
}

fn with_parameters(url: &str) -> String {
    let query = url.split_once('?').map(|(_, query)| query);
    let given = |name: &str| {
        query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some(name)))
    };
    let mut url = url.to_owned();
    let mut separator = match query {
        None => "?",
        Some("") => "",
        Some(_) => "&",
    };
    for (name, value) in PARAMETERS {
        if !given(name) {
            url.push_str(&format!("{separator}{name}={value}"));
            separator = "&";
        }
    }
    url
}

/// Sorts libpq's message about a failed connection into causes. The message quotes parts of the URL (hosts, users, databases, files,
/// or all of it), and such a part may be a misplaced password. So everything in quotation marks is left out.
pub(crate) fn refusal(message: &str) -> OpenError {
    let has = |part: &str| message.contains(part);
    let words = || unquoted(message);
    let from_a_server = has("connection to server");
    if has("could not translate host name") {
        OpenError::UnknownHost
    } else if !from_a_server && !has("FATAL") {
        OpenError::MalformedAddress
    } else if has("no encryption") {
        OpenError::Tls(words())
    } else if has("authentication failed")
        || has("no password supplied")
        || has("role \"")
        || has("pg_hba.conf")
    {
        OpenError::WrongPassword(words())
    } else if has("database \"") && has("does not exist") {
        OpenError::NoSuchDatabase(words())
    } else if has("session is read-only") || has("hot standby") {
        OpenError::ReadOnlyServer(words())
    } else if has("too many clients") || has("too many connections") || has("connection slots") {
        OpenError::NoConnectionLeft(words())
    } else if has("SSL") || has("certificate") {
        OpenError::Tls(words())
    } else if has("Connection refused") || has("No such file") || has("timeout expired") || has("unreachable")
    {
        OpenError::Refused(words())
    } else {
        OpenError::Server(words())
    }
}

/// The quotation marks of the languages that PostgreSQL's messages come in: the opening mark, and the possible closing marks.
const QUOTES: [(char, &[char]); 6] = [
    ('"', &['"']),
    ('»', &['«']),
    ('«', &['»']),
    ('„', &['“', '”']),
    ('“', &['”', '“']),
    ('\'', &['\'']),
];

/// The message with each quotation replaced by `"…"`. A quotation without a closing mark extends to the end.
fn unquoted(message: &str) -> String {
    let mut out = String::new();
    let mut rest = message;
    while let Some(at) = rest.find(|c: char| QUOTES.iter().any(|(open, _)| *open == c)) {
        let (before, quotation) = rest.split_at(at);
        out.push_str(before);
        out.push_str("\"…\"");
        let mut chars = quotation.chars();
        let ends = chars
            .next()
            .and_then(|open| QUOTES.iter().find(|(quote, _)| *quote == open));
        let inner = chars.as_str();
        rest = ends
            .and_then(|(_, ends)| inner.find(*ends))
            .and_then(|end| inner.get(end..))
            .map_or("", |tail| {
                tail.trim_start_matches(|c: char| QUOTES.iter().any(|(_, ends)| ends.contains(&c)))
            });
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_address_is_a_path() {
        for (url, path) in [
            ("sqlite://data/keyward.db", "data/keyward.db"),
            ("sqlite:data/keyward.db", "data/keyward.db"),
            ("sqlite:///var/lib/keyward.db", "/var/lib/keyward.db"),
            ("sqlite:/var/lib/keyward.db", "/var/lib/keyward.db"),
        ] {
            assert!(
                Address::parse(url).ok() == Some(Address::Sqlite(path.into())),
                "{url}"
            );
        }
    }

    #[test]
    fn a_database_in_memory_and_an_unknown_url_are_refused() {
        for url in [
            "sqlite::memory:",
            "sqlite://:memory:",
            ":memory:",
            "sqlite:file::memory:?cache=shared",
        ] {
            assert!(matches!(Address::parse(url), Err(OpenError::InMemory)), "{url}");
        }
        assert!(matches!(
            Address::parse("sqlite:a.db?mode=ro"),
            Err(OpenError::SqliteParameters)
        ));
        for url in [
            "",
            "sqlite:",
            "sqlite://",
            "mysql://x",
            "keyward.db",
            "host=db user=x",
        ] {
            assert!(
                matches!(Address::parse(url), Err(OpenError::UnknownAddress)),
                "{url}"
            );
        }
    }

    #[test]
    fn the_operators_own_parameters_win() {
        let Ok(Address::Postgres(url)) = Address::parse("postgres://u@h/d?connect_timeout=9&sslmode=require")
        else {
            panic!("an address");
        };
        assert!(url.starts_with(
            "postgres://u@h/d?connect_timeout=9&sslmode=require&target_session_attrs=read-write&"
        ));
        assert_eq!(url.matches("connect_timeout").count(), 1);
        let Ok(Address::Postgres(bare)) = Address::parse("postgresql://h/d") else {
            panic!("an address")
        };
        assert!(bare.starts_with("postgresql://h/d?connect_timeout=3&"));
    }

    #[test]
    fn user_information_ends_at_the_last_at_sign() {
        let Ok(Address::Postgres(url)) = Address::parse("postgres://kw:one@two@host/kw") else {
            panic!("an address");
        };
        assert!(url.starts_with("postgres://kw:one%40two@host/kw?"), "{url}");
    }

    #[test]
    fn messages_of_libpq_are_sorted_by_cause_and_passwords_in_them_are_left_out() {
        let at = |message: &str| format!("connection to server at \"127.0.0.1\", port 5 failed: {message}");
        assert!(matches!(
            refusal(&at("Connection refused\n\tIs the server running?")),
            OpenError::Refused(_)
        ));
        let wrong = at("FATAL:  password authentication failed for user \"u\"");
        assert!(matches!(refusal(&wrong), OpenError::WrongPassword(_)));
        assert!(matches!(
            refusal(&at("FATAL:  database \"x\" does not exist")),
            OpenError::NoSuchDatabase(_)
        ));
        assert!(matches!(
            refusal(&at("session is read-only")),
            OpenError::ReadOnlyServer(_)
        ));
        let bare = at(
            "FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"u\", database \"d\", no encryption",
        );
        assert!(matches!(refusal(&bare), OpenError::Tls(_)));
        let quoting = [
            at("FATAL:  password authentication failed for user \"hunter2\""),
            at("FATAL:  database \"kw&password=hunter2\" does not exist"),
            at("FATAL:  Datenbank »hunter2« existiert nicht"),
            at("root certificate file \"/hunter2\" does not exist"),
            "could not translate host name \"hunter2\" to address: Name or service not known".to_owned(),
            "connection to server at \"hunter2\", port 5 failed: \"hunter2".to_owned(),
        ];
        for message in quoting {
            let refused = refusal(&message);
            assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused}");
        }
        let refused = refusal(&at("Connection refused")).to_string();
        assert!(refused.contains("port 5 failed: Connection refused"), "{refused}");
        let unread = refusal("invalid port number: \"x\" in URI: \"postgres://u:hunter2@h:x/d\"");
        assert!(!unread.to_string().contains("hunter2"));
    }
}
