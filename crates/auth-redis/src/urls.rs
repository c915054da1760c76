//! The value of `REDIS_URL`: one server, a cluster, or sentinels.

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, parse_redis_url};
use auth_domain::connection_url::ConnectionUrl;
use std::fmt;

/// Why a URL can't be used. The text holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRedisUrl(String);

/// The URLs of Redis, in one of three forms:
///
/// | form | meaning |
/// | --- | --- |
/// | `redis://[user:password@]host[:port][/db]` | one server; `rediss://` with TLS, `redis+unix:///path` for a socket |
/// | several such URLs, separated by commas | a **cluster**; a server that is not in cluster mode is refused |
/// | one or several URLs with `?sentinel=<master name>` | **sentinels**, asked in turn for the master of that name |
///
/// With sentinels, the user, the password, the database number and TLS apply to the master. The sentinels' own password is
/// `&sentinel_password=…` (with `&sentinel_username=…`), and TLS to them is as to the master. A comma in a password is written
/// `%2C`. Certificates are verified against the system's store; `SSL_CERT_FILE` sets another one.
///
/// Each form leads to one plain connection to the one server that holds the keys, and the connection never reconnects by itself.
/// So the guarantee of docs/rules.md §1 holds with each form. It does not hold behind a proxy that hides reconnects, or while two
/// servers both act as the master: then a revoked token may be accepted for one more `blacklist.read_interval`.
#[derive(Clone)]
pub struct RedisUrls {
    pub(crate) servers: Vec<ConnectionInfo>,
    pub(crate) master: Option<SentinelMaster>,
}

/// The name of the master that sentinels are asked for, and the sentinels' own credentials.
#[derive(Clone)]
pub(crate) struct SentinelMaster {
    pub(crate) name: String,
    pub(crate) login: RedisConnectionInfo,
}

impl RedisUrls {
    /// Parses the value of `REDIS_URL`.
    ///
    /// # Errors
    /// [`InvalidRedisUrl`], which says what is wrong and repeats no secret.
    pub fn parse(text: &str) -> Result<Self, InvalidRedisUrl> {
        let mut servers = Vec::new();
        let mut masters = Vec::new();
        for (number, url) in text.split(',').map(str::trim).enumerate() {
            let wrong = |what: &str| {
                InvalidRedisUrl(format!(
                    "URL {} of {}: {what}",
                    number + 1,
                    text.split(',').count()
                ))
            };
            let (server, master) = parse_one(url).map_err(|what| wrong(&what))?;
            servers.push(server);
            masters.push(master);
        }
        let names: Vec<Option<&str>> = masters
            .iter()
            .map(|master| master.as_ref().map(|named| named.name.as_str()))
            .collect();
        if names.windows(2).any(|pair| pair.first() != pair.last()) {
            return Err(InvalidRedisUrl(
                "all URLs must have the same ?sentinel= or none".to_owned(),
            ));
        }
        Ok(Self {
            servers,
            master: masters.into_iter().next().flatten(),
        })
    }
}

fn parse_one(text: &str) -> Result<(ConnectionInfo, Option<SentinelMaster>), String> {
    let encoded = ConnectionUrl::parse(text).map_or_else(|| text.to_owned(), |url| url.encoded());
    let mut url = parse_redis_url(&encoded).ok_or(
        "not a Redis URL: it must begin with redis://, rediss:// or redis+unix://, such as redis://127.0.0.1:6379/0",
    )?;
    let over_socket = url.host().is_none();
    let (mut kept, mut master, mut login) = (Vec::new(), None, RedisConnectionInfo::default());
    for (key, value) in url.query_pairs().into_owned().collect::<Vec<_>>() {
        match key.as_str() {
            "sentinel" if !over_socket && !value.is_empty() => master = Some(value),
            "sentinel_username" => login = login.set_username(value),
            "sentinel_password" => login = login.set_password(value),
            "protocol" => kept.push((key, value)),
            "db" | "user" | "pass" if over_socket => kept.push((key, value)),
            // The message does not repeat the name: it may be the rest of a password that contains a ?.
            _ => {
                return Err(
                    "unknown parameter; the known ones are sentinel, sentinel_username, sentinel_password \
                            and protocol, with redis+unix:// also db, user and pass"
                        .to_owned(),
                );
            }
        }
    }
    if master.is_none() && (login.username().is_some() || login.password().is_some()) {
        return Err("sentinel_username and sentinel_password require sentinel=<master name>".to_owned());
    }
    if url.fragment().is_some() {
        return Err(
            "certificates are always verified; set your own authority with SSL_CERT_FILE, not with a #fragment"
                .to_owned(),
        );
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    // The library's error may quote the URL.
    let info = url.into_connection_info().map_err(|_| {
        "not a valid Redis URL: the host is followed by a port and a database number, such as \
         redis://127.0.0.1:6379/0, and a ? or a / in a password is written %3F or %2F"
            .to_owned()
    })?;
    Ok((info, master.map(|name| SentinelMaster { name, login })))
}

impl fmt::Display for RedisUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.master {
            Some(master) => write!(f, "master {:?} by sentinels ", master.name)?,
            None if self.servers.len() > 1 => f.write_str("cluster ")?,
            None => {}
        }
        for (number, server) in self.servers.iter().enumerate() {
            let scheme = match server.addr() {
                ConnectionAddr::TcpTls { .. } => "rediss://",
                ConnectionAddr::Unix(_) => "redis+unix://",
                _ => "redis://",
            };
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{scheme}{}", server.addr())?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedisUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrls({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        RedisUrls::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_three_forms_are_parsed_and_shown_without_their_secrets() {
        let one = RedisUrls::parse("rediss://keyward:hunter2@cache.example:6380/3").unwrap();
        assert_eq!(one.to_string(), "rediss://cache.example:6380");
        assert_eq!(one.servers.first().unwrap().redis_settings().db(), 3);
        let cluster = RedisUrls::parse("redis://a:1, redis://:hunter2@b:2").unwrap();
        assert_eq!(
            format!("{cluster:?}"),
            "RedisUrls(cluster redis://a:1,redis://b:2)"
        );
        let url =
            "redis://:hunter2@s1:26379/1?sentinel=main&sentinel_password=x,redis://s2:26379?sentinel=main";
        let sentinels = RedisUrls::parse(url).unwrap();
        assert_eq!(
            sentinels.to_string(),
            "master \"main\" by sentinels redis://s1:26379,redis://s2:26379"
        );
        assert_eq!(sentinels.master.as_ref().unwrap().login.password(), Some("x"));
        let raw = RedisUrls::parse("redis://:a@b/c?d@cache:6380/2").unwrap();
        assert_eq!(raw.to_string(), "redis://cache:6380");
        let settings = raw.servers.first().unwrap().redis_settings();
        assert_eq!((settings.password(), settings.db()), (Some("a@b/c?d"), 2));
        assert!(RedisUrls::parse("redis+unix:///run/redis.sock?db=2").is_ok());
    }

    #[test]
    fn an_invalid_url_is_refused_without_repeating_secrets() {
        assert!(refused("localhost:6379").contains("redis://"));
        assert!(refused("redis://:hunter2@h/first").contains("database number"));
        assert!(refused("redis://h?sentinal=main").contains("the known ones are sentinel, "));
        assert!(refused("redis://h?sentinel_password=hunter2").contains("require sentinel="));
        assert!(refused("redis://a?sentinel=x,redis://b").contains("same"));
        assert!(refused("rediss://h/#insecure").contains("verified"));
        assert!(refused("redis://a,,redis://b").starts_with("URL 2 of 3"));
        for text in [
            "redis://:hunter2@h/first",
            "hunter2",
            "redis://h?sentinel_password=hunter2",
            "redis://kw:1/hunter2",
        ] {
            assert!(!refused(text).contains("hunter2"));
        }
    }
}
