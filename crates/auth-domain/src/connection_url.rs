//! URLs of databases and of Redis, which may contain passwords. User information ends at the last `@`. Only what is known to hold
//! no secret is shown of a URL; everything else is hidden.

use std::fmt;

/// What is shown instead of a secret.
pub const HIDDEN: &str = "********";

/// The parameters whose values may be shown.
const SHOWN_PARAMETERS: [&str; 24] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "db",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "port",
    "protocol",
    "require_auth",
    "sentinel",
    "sslcert",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// A URL of the form `scheme://[user[:password]@]server[/path][?parameters]`, split into its parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConnectionUrl<'a> {
    scheme: &'a str,
    userinfo: Option<&'a str>,
    server: &'a str,
    path: &'a str,
    parameters: Option<&'a str>,
}

impl<'a> ConnectionUrl<'a> {
    /// Splits a URL; `None` where it has no scheme. The parameters begin at the first `?` that a name and a `=` follow, so that a
    /// `?` in a password does not begin them.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        if !is_scheme {
            return None;
        }
        let (rest, parameters) = rest
            .match_indices('?')
            .find_map(|(at, _)| {
                let (before, after) = (rest.get(..at)?, rest.get(at + 1..)?);
                begins_parameters(after).then_some((before, Some(after)))
            })
            .unwrap_or((rest, None));
        let (userinfo, place) = match rest.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, rest),
        };
        let (server, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        Some(Self {
            scheme,
            userinfo,
            server,
            path,
            parameters,
        })
    }

    /// The address for a library that lets the user information end at the first `@`: what would end it is percent-encoded.
    #[must_use]
    pub fn encoded(&self) -> String {
        let userinfo = self.userinfo.map_or_else(String::new, |userinfo| {
            let encoded: String = userinfo
                .chars()
                .map(|c| match c {
                    '@' | '/' | '?' | '#' | '[' | ']' | ' ' => format!("%{:02X}", u32::from(c)),
                    _ => c.to_string(),
                })
                .collect();
            format!("{encoded}@")
        });
        let parameters = self
            .parameters
            .map_or_else(String::new, |parameters| format!("?{parameters}"));
        format!(
            "{}://{userinfo}{}{}{parameters}",
            self.scheme, self.server, self.path
        )
    }

    /// The part between the user information and the path: a host with at most a port, or several, separated by commas.
    #[must_use]
    pub const fn server(&self) -> &'a str {
        self.server
    }

    /// The parameters, each a name and a value, as they are written.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.parameters.into_iter().flat_map(|all| all.split('&'));
        all.filter_map(|pair| pair.split_once('='))
    }

    fn is_postgres(&self) -> bool {
        matches!(self.scheme, "postgres" | "postgresql")
    }
}

/// The address without its secrets.
impl fmt::Display for ConnectionUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match self
            .userinfo
            .map(|info| info.split_once(':').unwrap_or((info, "")))
        {
            None => {}
            // Redis has no user without a password: what stands alone is a password in the wrong place.
            Some((user, "")) if self.is_postgres() => write!(f, "{}@", plain_or_hidden(user))?,
            Some((_, "")) => write!(f, "{HIDDEN}@")?,
            Some((user, _)) => write!(f, "{}:{HIDDEN}@", plain_or_hidden(user))?,
        }
        for (number, host) in self.server.split(',').enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{}", if is_host(host) { host } else { HIDDEN })?;
        }
        if self.path.bytes().all(|b| is_plain(b) || b == b'/') {
            f.write_str(self.path)?;
        } else {
            write!(f, "/{HIDDEN}")?;
        }
        for (number, pair) in self
            .parameters
            .into_iter()
            .flat_map(|all| all.split('&'))
            .enumerate()
        {
            let separator = if number == 0 { "?" } else { "&" };
            match pair.split_once('=') {
                Some((name, value)) if SHOWN_PARAMETERS.contains(&name) && is_plain_path(value) => {
                    write!(f, "{separator}{pair}")?;
                }
                Some((name, _)) if is_parameter(name) => write!(f, "{separator}{name}={HIDDEN}")?,
                _ => write!(f, "{separator}{HIDDEN}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectionUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionUrl({self})")
    }
}

/// The URL of a database or of Redis (one, or several, separated by commas) without its secrets. A text that is no such URL is
/// hidden as a whole.
///
/// ```
/// use auth_domain::connection_url::shown;
///
/// assert_eq!(shown("postgres://app:hunter2@db.internal/keyward"), "postgres://app:********@db.internal/keyward");
/// ```
#[must_use]
pub fn shown(text: &str) -> String {
    if text.starts_with("sqlite:") {
        // SQLite knows no password, and its address no parameters: those of other programs may hold a key.
        return match text.split_once('?') {
            Some((path, _)) => format!("{path}?{HIDDEN}"),
            None => text.to_owned(),
        };
    }
    let shown =
        |url: &str| ConnectionUrl::parse(url).map_or_else(|| HIDDEN.to_owned(), |url| url.to_string());
    addresses(text)
        .iter()
        .map(|url| shown(url))
        .collect::<Vec<_>>()
        .join(",")
}

/// A text of another kind without its secrets: as it is, unless it is a URL with something to hide.
#[must_use]
pub fn shown_text(text: &str) -> String {
    let may_hold_a_secret = text.contains("://") && text.contains('@') || text.contains("password=");
    if may_hold_a_secret {
        shown(text)
    } else {
        text.to_owned()
    }
}

/// The addresses of a list. A comma that no address follows is part of the one before: of its password, or of a list of hosts.
fn addresses(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in text.split(',') {
        match all.last_mut() {
            Some(before) if !part.contains("://") => before.push_str(&format!(",{part}")),
            _ => all.push(part.trim().to_owned()),
        }
    }
    all
}

fn begins_parameters(text: &str) -> bool {
    text.is_empty() || text.split_once('=').is_some_and(|(name, _)| is_parameter(name))
}

fn is_parameter(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~')
}

fn is_plain_path(text: &str) -> bool {
    text.bytes()
        .all(|b| is_plain(b) || matches!(b, b'/' | b',' | b':' | b'%'))
}

fn plain_or_hidden(user: &str) -> &str {
    if user.bytes().all(is_plain) { user } else { HIDDEN }
}

/// Whether the text is a host with at most a port. A password that was put there by mistake seldom looks like one.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, rest)) => {
            let is_address = inner
                .bytes()
                .all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
            (
                if is_address { "" } else { "?" },
                rest.strip_prefix(':').unwrap_or(rest),
            )
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    host.bytes().all(|b| is_plain(b) || b == b'%')
        && port.len() <= 5
        && port.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_wherever_it_can_stand_in_an_address() {
        let cases = [
            ("postgres://kw:hunter2@db/kw", "postgres://kw:********@db/kw"),
            ("postgres://kw:hun@hunter2@db/kw", "postgres://kw:********@db/kw"),
            (
                "postgres://kw:hun,hunter2@one,two:5433/kw",
                "postgres://kw:********@one,two:5433/kw",
            ),
            ("postgres://kw:a/hunter2@db/kw", "postgres://kw:********@db/kw"),
            (
                "postgres://kw:a?hunter2@db/kw?sslmode=require",
                "postgres://kw:********@db/kw?sslmode=require",
            ),
            ("postgres://kw:hunter2/kw", "postgres://********/kw"),
            ("postgres://kw%3Ahunter2@db/kw", "postgres://********@db/kw"),
            (
                "postgres://kw@db/kw&password=hunter2",
                "postgres://kw@db/********",
            ),
            (
                "postgres://db/kw?user=kw&password=hunter2&sslmode=require",
                "postgres://db/kw?user=kw&password=********&sslmode=require",
            ),
            (
                "postgres://db/kw?sslpassword=hunter2&password=hunter2",
                "postgres://db/kw?sslpassword=********&password=********",
            ),
            (
                "postgres://db/kw?sslmode=require;password=hunter2",
                "postgres://db/kw?sslmode=********",
            ),
            (
                "postgres://db/kw?user=kw@hunter2",
                "postgres://db/kw?user=********",
            ),
            (
                "postgres://db/kw?options=hunter2&x",
                "postgres://db/kw?options=********&********",
            ),
            ("postgresql://u@[::1]:5432/kw", "postgresql://u@[::1]:5432/kw"),
            ("postgres:///kw", "postgres:///kw"),
            ("host=db password='hunter2 hunter2' user=kw", HIDDEN),
            (
                "redis://:hunter2@a:1/0, rediss://kw:hunter2@b:1/0",
                "redis://:********@a:1/0,rediss://kw:********@b:1/0",
            ),
            ("redis://:a,hunter2@b:1/0", "redis://:********@b:1/0"),
            ("redis://hunter2@a:1/0", "redis://********@a:1/0"),
            (
                "redis://s1:26379?sentinel=main&sentinel_password=hunter2",
                "redis://s1:26379?sentinel=main&sentinel_password=********",
            ),
            ("redis://a:6379/0", "redis://a:6379/0"),
            ("sqlite://data/keyward.db", "sqlite://data/keyward.db"),
            ("sqlite:keyward.db?key=hunter2", "sqlite:keyward.db?********"),
            ("hunter2", HIDDEN),
        ];
        for (raw, masked) in cases {
            assert_eq!(shown(raw), masked, "{raw}");
            assert!(!masked.contains("hunter2"));
        }
    }

    #[test]
    fn a_text_that_is_no_address_is_shown_as_it_is() {
        for text in [
            "Keyward <no-reply@localhost>",
            "https://auth.example.com",
            "info",
            "",
        ] {
            assert_eq!(shown_text(text), text);
        }
        assert_eq!(
            shown_text("https://kw:hunter2@auth.example"),
            "https://kw:********@auth.example"
        );
    }

    #[test]
    fn user_information_ends_at_the_last_at_sign() {
        let encoded = |text| ConnectionUrl::parse(text).unwrap().encoded();
        assert_eq!(encoded("postgres://kw:a@b@db/kw"), "postgres://kw:a%40b@db/kw");
        assert_eq!(encoded("redis://:a/b?c#d@h:1/0"), "redis://:a%2Fb%3Fc%23d@h:1/0");
        for unchanged in [
            "postgres://kw:a%40b:c@one,two:5433/kw?sslmode=require&user=kw@corp",
            "postgres:///kw?host=/run/postgresql",
            "postgres://db/kw?",
        ] {
            assert_eq!(encoded(unchanged), unchanged);
        }
        assert!(ConnectionUrl::parse("host=db").is_none() && ConnectionUrl::parse("a b://c").is_none());
    }
}
