//! The address of the client. The rule: it is the peer of the socket. `X-Forwarded-For` is read from right to left, as far as trusted
//! proxies vouch for it. A malformed entry ends the walk: it neither fails the request nor hides the client.
//!
//! actix's `ConnectionInfo` is never used: it trusts forwarding headers from anybody.

use actix_web::{dev::ServiceRequest, http::header::HeaderMap};
use auth_domain::connection_url::shown_text;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client that sent the request; `None` where the socket has none (a Unix socket).
#[must_use]
pub fn of(request: &ServiceRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    request
        .peer_addr()
        .map(|peer| behind(peer.ip(), request.headers(), trusted))
}

/// The address behind the proxies that are trusted.
#[must_use]
pub fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    if !is_trusted(client, trusted) {
        return client;
    }
    let lines: Vec<&[u8]> = headers
        .get_all(X_FORWARDED_FOR)
        .map(|value| value.as_bytes())
        .collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(|b| *b == b','));
    for hop in hops {
        let Some(address) = parse(hop) else { break };
        client = address;
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
}

/// Reads a list of networks and addresses. The error names every entry that is neither.
///
/// # Errors
/// The entries that are neither.
pub(crate) fn read_networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let entries = Vec::<String>::deserialize(from)?;
    let (mut networks, mut wrong) = (Vec::new(), Vec::new());
    for entry in &entries {
        match network(entry.trim()) {
            Some(network) => networks.push(network),
            None => wrong.push(format!("\"{}\"", shown_text(entry))),
        }
    }
    if wrong.is_empty() {
        return Ok(networks);
    }
    let is = if wrong.len() == 1 { "is" } else { "are" };
    let wrong = wrong.join(", ");
    Err(D::Error::custom(format!(
        "{wrong} {is} neither an IP address nor a network; write it as in 10.0.0.1 or 10.0.0.0/8"
    )))
}

/// A network, or a single address. An IPv4-mapped IPv6 address counts as the IPv4 address, as it does for clients.
fn network(text: &str) -> Option<IpNet> {
    let alone = text
        .parse::<IpAddr>()
        .map(|address| IpNet::from(address.to_canonical()));
    alone.ok().or_else(|| text.parse().ok())
}

/// Whether the address is a trusted proxy's.
#[must_use]
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"]
            .map(|net| net.parse().unwrap())
            .into();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                HeaderName::from_static(X_FORWARDED_FOR),
                HeaderValue::from_bytes(line.as_bytes()).unwrap(),
            );
        }
        behind(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_trusted_proxy_is_a_network_or_an_address_alone_and_what_is_neither_is_named() {
        let read =
            |entries: &[&str]| read_networks(serde_json::json!(entries)).map_err(|error| error.to_string());
        let networks = read(&["10.0.0.1", "fd00::1", "::ffff:10.0.0.2", " 10.1.0.0/16 "]).unwrap();
        let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(
            networks,
            ["10.0.0.1/32", "fd00::1/128", "10.0.0.2/32", "10.1.0.0/16"]
        );
        let refusal = read(&["10.0.0.1", "proxy.example", "10.0.0.0/33"]).unwrap_err();
        assert!(
            refusal.starts_with("\"proxy.example\", \"10.0.0.0/33\" are neither an IP address"),
            "{refusal}"
        );
    }

    #[test]
    fn a_stranger_can_say_what_they_like() {
        assert_eq!(client("203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["127.0.0.1", "10.0.0.1"]), "203.0.113.9");
    }

    #[test]
    fn trusted_proxies_vouch_right_to_left() {
        assert_eq!(client("10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "1.2.3.4,10.0.0.2"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn addresses_come_in_every_spelling() {
        assert_eq!(client("10.0.0.1", &["1.2.3.4:5678"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client("fd00::1", &["2001:db8::2"]), "2001:db8::2");
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:1.2.3.4"]), "1.2.3.4");
    }

    #[test]
    fn garbage_ends_the_walk_at_the_last_proxy_that_made_sense() {
        for garbage in [
            "",
            "unknown",
            "1.2.3.4.5",
            "999.1.1.1",
            "<script>",
            "é",
            "1.2.3.4;",
            "\u{0}",
        ] {
            let Ok(_) = HeaderValue::from_bytes(garbage.as_bytes()) else {
                continue;
            };
            assert_eq!(client("10.0.0.1", &[garbage]), "10.0.0.1", "{garbage:?}");
            let mixed = format!("1.2.3.4, {garbage}, 10.0.0.7");
            assert_eq!(client("10.0.0.1", &[&mixed]), "10.0.0.7", "{garbage:?}");
        }
    }
}
