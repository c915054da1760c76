//! EHLO: the name that the client gives, and the extensions that the server offers.
//!
//! RFC 5321 §2.3.5 and §4.1.4 require a fully qualified domain name or an address literal, and many servers refuse a bare host name, such as
//! a container's id. So the name comes from the configuration and never from the machine.

use lettre::transport::smtp::{
    Error,
    extension::{ClientId, ServerInfo},
    response::Response,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The name if the configuration has no suitable one.
pub(crate) const FALLBACK: ClientId = ClientId::Ipv4(Ipv4Addr::LOCALHOST);

/// The name for EHLO if `mail.smtp_ehlo_name` is not set: the host of the server's public URL, or the address literal `[127.0.0.1]` if that
/// is not a fully qualified name (`localhost`).
///
/// ```
/// use auth_mail::ehlo_name_of;
///
/// assert_eq!(ehlo_name_of("https://id.example.com:8443/sso"), "id.example.com");
/// assert_eq!(ehlo_name_of("http://localhost:8080"), "[127.0.0.1]");
/// ```
#[must_use]
pub fn ehlo_name_of(public_url: &str) -> String {
    let rest = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, is_v6) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _)) => (v6, true),
        None => (authority.split(':').next().unwrap_or_default(), false),
    };
    let name = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => Some(ClientId::Ipv4(ip)),
        Ok(IpAddr::V6(ip)) if is_v6 => Some(ClientId::Ipv6(ip)),
        _ => domain(&host.to_ascii_lowercase()),
    };
    name.unwrap_or(FALLBACK).to_string()
}

/// Parses a name: a fully qualified domain name, or an address literal such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
pub(crate) fn parse(text: &str) -> Option<ClientId> {
    let Some(literal) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return domain(text);
    };
    match literal.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => literal.get(5..)?.parse().ok().map(ClientId::Ipv6),
        _ => literal.parse().ok().map(ClientId::Ipv4),
    }
}

fn domain(text: &str) -> Option<ClientId> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let (_, top_level) = text.rsplit_once('.')?;
    let is_name = text.len() <= 253
        && text.split('.').all(is_label)
        // A last label that begins with a digit means an IP address without brackets.
        && top_level.starts_with(|c: char| c.is_ascii_alphabetic());
    is_name.then(|| ClientId::Domain(text.to_owned()))
}

/// The extensions that the server offers. Keywords may be in any case (RFC 5321 §2.4), but lettre recognises only upper case.
pub(crate) fn extensions(answer: &Response) -> Result<ServerInfo, Error> {
    let lines = answer.message().map(str::to_ascii_uppercase).collect();
    ServerInfo::from_response(&Response::new(answer.code(), lines))
}

/// A plaintext connection that converts the server's greeting and its answer to EHLO to upper case, so that lettre, which looks for
/// `STARTTLS` itself, finds the keyword in any case. After that it passes everything through unchanged.
#[derive(Debug)]
pub(crate) struct UppercaseGreeting {
    stream: TcpStream,
    greeting: Arc<AtomicBool>,
}

impl UppercaseGreeting {
    /// The connection, and the flag to clear when the greeting has ended.
    pub(crate) fn new(stream: TcpStream) -> (Self, Arc<AtomicBool>) {
        let greeting = Arc::new(AtomicBool::new(true));
        let connection = Self {
            stream,
            greeting: Arc::clone(&greeting),
        };
        (connection, greeting)
    }
}

impl AsyncRead for UppercaseGreeting {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        if this.greeting.load(Ordering::Relaxed)
            && let Some(read) = buffer.filled_mut().get_mut(before..)
        {
            read.make_ascii_uppercase();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for UppercaseGreeting {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl lettre::transport::smtp::client::AsyncTokioStream for UppercaseGreeting {
    fn peer_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        self.stream.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_fully_qualified_or_an_address_literal() {
        for name in [
            "id.example.com",
            "xn--mnchen-3ya.example",
            "[192.0.2.1]",
            "[IPv6:2001:db8::1]",
        ] {
            assert_eq!(parse(name).unwrap().to_string(), name);
        }
        for name in [
            "",
            "mailhost",
            "localhost",
            "192.0.2.1",
            "2001:db8::1",
            "[2001:db8::1]",
            "[mail.example]",
            "a..example",
            ".example",
            "example.",
            "-a.example",
            "a_b.example",
            "a.example\r\nMAIL",
            "münchen.example",
        ] {
            assert!(parse(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn without_a_configured_name_it_is_the_host_of_the_public_url_or_an_address_literal() {
        for (url, name) in [
            ("https://id.example.com", "id.example.com"),
            ("https://ID.Example.com:8443/sso", "id.example.com"),
            ("http://127.0.0.1:8080", "[127.0.0.1]"),
            ("http://10.0.0.5", "[10.0.0.5]"),
            ("http://[2001:db8::1]:8080/", "[IPv6:2001:db8::1]"),
            ("http://localhost:8080", "[127.0.0.1]"),
            ("https://keyward", "[127.0.0.1]"),
            ("", "[127.0.0.1]"),
        ] {
            assert_eq!(ehlo_name_of(url), name, "{url}");
            assert!(parse(name).is_some());
        }
    }
}
