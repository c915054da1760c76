//! The `server` section of the configuration.
//!
//! The rule: the server does not start with a value that is not safe. Every fault is reported at once, by key.

use crate::http::client_address;
use actix_web::http::uri::{Authority, Uri};
use auth_domain::{
    connection_url::shown_text,
    settings::{Complaint, Complaints, Section},
};
use ipnet::IpNet;
use serde::Deserialize;
use std::{
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

/// How the service is reached over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where to listen, `ADDRESS:PORT`; port 0 chooses a free port.
    pub bind: String,
    /// Where `/metrics` and `/version` are served; nowhere if omitted.
    pub admin_bind: Option<String>,
    /// The address that clients use, scheme and host: the issuer of tokens, and what links are built from.
    pub public_url: String,
    /// The path below which the routes are served; empty serves them at the root.
    pub base_path: String,
    /// The path below which the admin routes are served.
    pub admin_path: String,
    /// The proxies whose `X-Forwarded-For` is trusted.
    #[serde(deserialize_with = "client_address::read_networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Whether `/verify` sends `X-Auth-Email` for an address that is not confirmed, too.
    pub forward_unverified_email: bool,
    /// The browser origins that may call, exactly as a browser sends them.
    pub cors_origins: Vec<String>,
    /// Whether those origins may send cookies and other credentials along.
    pub cors_credentials: bool,
    /// Whether `/openapi.json` and `/docs` are served.
    pub docs: bool,
    /// How many threads serve requests; 0 is one a core.
    pub workers: usize,
    /// The longest request body, in bytes.
    pub max_body: usize,
    /// How long a client may take to send its headers.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How long a client may take to send its body.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// How long an answer may take in all.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long requests in flight may take to finish once the server stops, in whole seconds.
    #[serde(with = "humantime_serde")]
    pub shutdown_timeout: Duration,
    /// How long readiness stays false before the server stops accepting, for load balancers to notice.
    #[serde(with = "humantime_serde")]
    pub drain_delay: Duration,
    /// How long an idle connection is kept.
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
    /// The most connections at a time, of all clients.
    pub max_connections: usize,
    /// The most connections at a time of one address that is not a trusted proxy; 0 is no limit.
    pub max_connections_per_client: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:8080".to_owned(),
            admin_bind: None,
            public_url: "http://127.0.0.1:8080".to_owned(),
            base_path: "/api/v1/auth".to_owned(),
            admin_path: "/api/v1/admin".to_owned(),
            trusted_proxies: Vec::new(),
            forward_unverified_email: false,
            cors_origins: Vec::new(),
            cors_credentials: false,
            docs: true,
            workers: 0,
            max_body: 16 * 1024,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(20),
            drain_delay: Duration::ZERO,
            keep_alive: Duration::from_secs(75),
            max_connections: 16_384,
            max_connections_per_client: 1_024,
        }
    }
}

impl Section for ServerConfig {
    const NAME: &'static str = "server";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        address(&mut complaints, "bind", &self.bind);
        if let Some(admin) = &self.admin_bind {
            address(&mut complaints, "admin_bind", admin);
            let same = admin == &self.bind && !self.bind.ends_with(":0");
            complaints.unless(
                !same,
                "admin_bind",
                "must differ from server.bind, because everyone who can reach it sees the metrics",
            );
        }
        complaints.unless(
            is_origin(&self.public_url),
            "public_url",
            "must be a scheme and a host without a path or a slash at the end, for example https://auth.example.com",
        );
        complaints.unless(
            is_base_path(&self.base_path),
            "base_path",
            "must be empty, or start with a slash and end without one, for example /api/v1/auth",
        );
        complaints.unless(
            is_base_path(&self.admin_path) && !self.admin_path.is_empty() && self.admin_path != self.base_path,
            "admin_path",
            "must start with a slash, end without one, and differ from server.base_path, for example /api/v1/admin",
        );
        for origin in &self.cors_origins {
            complaints.unless(is_origin(origin), "cors_origins", not_an_origin(origin));
        }
        for (key, value, least, most) in [
            ("max_body", self.max_body, 1_024, 1024 * 1024),
            ("workers", self.workers, 0, 1_024),
            ("max_connections", self.max_connections, 1, 10_000_000),
            (
                "max_connections_per_client",
                self.max_connections_per_client,
                0,
                10_000_000,
            ),
        ] {
            let message = format!("{value} is out of range; give {least} to {most}");
            complaints.unless((least..=most).contains(&value), key, message);
        }
        for (key, value, least, most) in [
            ("header_timeout", self.header_timeout, 1, 300),
            ("body_timeout", self.body_timeout, 1, 300),
            ("request_timeout", self.request_timeout, 1, 600),
            ("shutdown_timeout", self.shutdown_timeout, 1, 600),
            ("drain_delay", self.drain_delay, 0, 600),
            ("keep_alive", self.keep_alive, 1, 3_600),
        ] {
            let fits = (Duration::from_secs(least)..=Duration::from_secs(most)).contains(&value);
            let seconds = value.as_secs_f64();
            let message = format!("{seconds} s is out of range; give {least}s to {most}s");
            complaints.unless(fits, key, message);
        }
        complaints.into_vec()
    }
}

impl ServerConfig {
    /// The origin of a server that listens at `ADDRESS:PORT` and has no `public_url`: [`Self::origin_of`] the first address that this
    /// resolves to. `None` if it resolves to none.
    #[must_use]
    pub fn own_origin(bind: &str) -> Option<String> {
        bind.to_socket_addrs().ok()?.next().map(Self::origin_of)
    }

    /// The origin of a server that listens at this address and has no `public_url`. Whether other machines can reach it is not known, so
    /// it is the origin as this machine reaches it.
    #[must_use]
    pub fn origin_of(address: SocketAddr) -> String {
        if address.ip().is_loopback() {
            format!("http://{address}")
        } else {
            format!("http://127.0.0.1:{}", address.port())
        }
    }

    /// Whether only this machine reaches the server.
    #[must_use]
    pub fn is_bound_to_loopback(&self) -> bool {
        let addresses = self.bind.to_socket_addrs();
        addresses.is_ok_and(|mut all| all.all(|one| one.ip().is_loopback()))
    }

    /// Whether clients reach the server over TLS, which a proxy ends.
    #[must_use]
    pub fn is_public_over_tls(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// Complains unless the text is an address to listen on.
fn address(complaints: &mut Complaints, key: &'static str, address: &str) {
    let message = format!(
        "\"{}\" is not an address to listen on; give ADDRESS:PORT, for example 127.0.0.1:8080",
        shown_text(address)
    );
    let mut found = address.to_socket_addrs();
    let any = found.as_mut().is_ok_and(|found| found.next().is_some());
    complaints.unless(any, key, message);
}

fn not_an_origin(text: &str) -> String {
    match text {
        "*" => {
            "* would allow every site; list the exact origins, for example https://app.example.com".to_owned()
        }
        "null" => "null would allow every sandboxed page; list the exact origins".to_owned(),
        _ => format!(
            "\"{}\" is not an origin; give only scheme, host and port, for example https://app.example.com",
            shown_text(text)
        ),
    }
}

/// Whether the text is an origin as a browser would send it (RFC 6454 §6.1): scheme, host, port, in lower case, nothing more.
pub(crate) fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let exact = format!("{scheme}://{authority}");
    matches!(scheme, "http" | "https")
        && text == exact
        && host_of(authority).is_some_and(|host| !host.is_empty())
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
}

/// The host of an authority, if it consists of a host and an optional port alone. The parser's own host ends with the bracket of an
/// IPv6 address, whatever follows it.
pub(crate) fn host_of(authority: &Authority) -> Option<&str> {
    let host = authority.host();
    let behind = authority.as_str().strip_prefix(host)?;
    let is_port = |text: &str| {
        text.strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok())
    };
    (behind.is_empty() || is_port(behind)).then_some(host)
}

/// Whether the text is empty or a path of whole segments.
pub(crate) fn is_base_path(path: &str) -> bool {
    let segment = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    path.is_empty()
        || path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(config: &ServerConfig) -> Vec<&str> {
        config
            .validate()
            .into_iter()
            .map(|complaint| complaint.key)
            .collect()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(ServerConfig::default().validate(), vec![]);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let config = ServerConfig {
            bind: "nowhere".into(),
            public_url: "auth.example.com/".into(),
            base_path: "/api/".into(),
            cors_origins: vec![
                "*".into(),
                "null".into(),
                "https://ok.example".into(),
                "https://a.example/path".into(),
            ],
            max_body: 1,
            body_timeout: Duration::ZERO,
            ..ServerConfig::default()
        };
        let expected = [
            "bind",
            "public_url",
            "base_path",
            "cors_origins",
            "cors_origins",
            "cors_origins",
            "max_body",
            "body_timeout",
        ];
        assert_eq!(keys(&config), expected);
    }

    #[test]
    fn an_origin_is_exactly_what_a_browser_sends() {
        for good in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://[::1]:8080",
            "https://a.example:8443",
        ] {
            assert!(is_origin(good), "{good}");
        }
        let bad = [
            "",
            "*",
            "null",
            "https://",
            "https://a.example/",
            "https://A.example",
            "ftp://a.example",
            "https://u@a.example",
            "https://[::1].a.example",
            "https://a.example:port",
            "a.example",
            "https://a.example?x",
        ];
        for bad in bad {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn a_base_path_is_empty_or_whole_segments() {
        for good in ["", "/auth", "/api/v1/auth"] {
            assert!(is_base_path(good), "{good}");
        }
        for bad in ["/", "auth", "/auth/", "//auth", "/a b", "/{id}", "/a/../b?"] {
            assert!(!is_base_path(bad), "{bad}");
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let refused = serde_json::from_str::<ServerConfig>(r#"{"bimd": "127.0.0.1:1"}"#).unwrap_err();
        assert!(refused.to_string().contains("bimd"));
        let read: ServerConfig =
            serde_json::from_str(r#"{"body_timeout": "3s", "trusted_proxies": ["10.0.0.0/8"]}"#).unwrap();
        assert_eq!(
            (read.body_timeout, read.trusted_proxies.len()),
            (Duration::from_secs(3), 1)
        );
    }
}
