//! The `pages` section of the configuration.
//!
//! The rule: a setting that would make the pages unsafe, unreadable or unreachable stops the start, and the error says how to fix
//! it.

use super::colour::Colour;
use crate::http::config::{ServerConfig, host_of, is_base_path, is_origin};
use actix_web::http::Uri;
use auth_domain::{
    connection_url::shown_text,
    settings::{Complaint, Complaints, Section},
};
use serde::Deserialize;
use std::{net::IpAddr, path::PathBuf};

/// The first segments of the pages' paths, below `pages.path`.
pub const PLACES: [&str; 12] = [
    "login",
    "logout",
    "register",
    "forgot",
    "reset",
    "verify-email",
    "not-me",
    "setup",
    "account",
    "admin",
    "password-hint",
    "assets",
];

/// The page background that the configured colours must contrast with; `assets/keyward.css` uses the same.
pub const LIGHT_BACKGROUND: &str = "#ffffff";
/// The same for dark mode.
pub const DARK_BACKGROUND: &str = "#1b1f26";

/// The minimum contrast of text with its background (WCAG 2.2, success criterion 1.4.3).
const CONTRAST: f64 = 4.5;

/// The settings of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// Whether the pages are served.
    pub enabled: bool,
    /// The prefix of the pages' paths; empty serves them at the root.
    pub path: String,
    /// The origins that a sign-in may return to, besides this server's own pages.
    pub return_to: Vec<String>,
    /// The file of the logo: `.svg` or `.png`.
    pub logo: Option<PathBuf>,
    /// The colour of links and buttons in light mode, `#rrggbb`.
    pub accent: String,
    /// The same for dark mode.
    pub accent_dark: String,
    /// The language of the texts, for `<html lang>` (BCP 47).
    pub language: String,
    /// A TOML file of texts that replace the built-in ones.
    pub texts: Option<PathBuf>,
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            path: String::new(),
            return_to: Vec::new(),
            logo: None,
            accent: "#0b5fb0".to_owned(),
            accent_dark: "#8ec2ff".to_owned(),
            language: "en".to_owned(),
            texts: None,
        }
    }
}

impl Section for PagesConfig {
    const NAME: &'static str = "pages";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.unless(
            is_base_path(&self.path),
            "path",
            "must be empty, or start with a slash and end without one, for example /sign-in",
        );
        for origin in &self.return_to {
            let message = format!(
                "\"{}\" is not an origin; give only scheme, host and port, for example https://app.example.com",
                shown_text(origin)
            );
            complaints.unless(is_origin(origin), "return_to", message);
        }
        colour(&mut complaints, "accent", &self.accent, LIGHT_BACKGROUND);
        colour(&mut complaints, "accent_dark", &self.accent_dark, DARK_BACKGROUND);
        let is_tag = |text: &str| {
            (2..=35).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        complaints.unless(
            is_tag(&self.language),
            "language",
            "must be a language tag, for example en or pt-BR (BCP 47)",
        );
        let is_image = self
            .logo
            .as_ref()
            .is_none_or(|file| matches!(file.extension().and_then(|end| end.to_str()), Some("svg" | "png")));
        complaints.unless(is_image, "logo", "must be a file that ends in .svg or .png");
        complaints.into_vec()
    }
}

impl PagesConfig {
    /// Checks the section together with the server's: a page and a route can't have the same address.
    #[must_use]
    pub fn validate_beside(&self, server: &ServerConfig) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        if !self.enabled {
            return complaints.into_vec();
        }
        let own = |path: &str| {
            PLACES
                .iter()
                .any(|place| is_within(path, &format!("{}/{place}", self.path)))
        };
        complaints.unless(
            server.base_path != self.path && !own(&server.base_path),
            "path",
            format!(
                "pages and routes can't share the path \"{}\"; set pages.path, for example to /ui, or pages.enabled = false",
                server.base_path
            ),
        );
        let below_routes = |routes: &str| !routes.is_empty() && is_within(&self.path, routes);
        complaints.unless(
            server.base_path == self.path
                || !below_routes(&server.base_path) && !below_routes(&server.admin_path),
            "path",
            "must not be below the routes (server.base_path, server.admin_path); set it, for example, to /ui",
        );
        complaints.unless(
            !own(&server.admin_path),
            "path",
            "the admin routes (server.admin_path) must not be below the pages; set pages.path, for example to /ui",
        );
        complaints.into_vec()
    }

    /// Whether the pages are served. They are not served over plain HTTP, where browsers would send passwords and cookies
    /// unencrypted.
    ///
    /// # Errors
    /// The reason, if the pages are enabled but can't be served.
    pub fn are_served(&self, server: &ServerConfig) -> Result<bool, &'static str> {
        if self.enabled && !server.is_public_over_tls() && !is_loopback_origin(&server.public_url) {
            return Err(
                "the pages are not served: server.public_url is http:// and does not name this machine, so \
                 passwords and cookies would cross the network unencrypted; put a proxy that terminates TLS in front and set \
                 its https:// address as server.public_url, or set pages.enabled = false",
            );
        }
        Ok(self.enabled)
    }
}

/// Complains unless the setting is a colour with enough contrast for text on this background.
fn colour(complaints: &mut Complaints, key: &'static str, text: &str, background: &str) {
    let (Some(colour), Some(background)) = (Colour::parse(text), Colour::parse(background)) else {
        complaints.unless(false, key, "must be a colour, for example #0b5fb0");
        return;
    };
    let contrast = colour.contrast(background);
    let message = format!(
        "{text} on {background} has a contrast of {contrast:.1} to 1, and text needs {CONTRAST} (WCAG 2.2, 1.4.3)"
    );
    complaints.unless(contrast >= CONTRAST, key, message);
}

/// Whether a path equals `place` or lies below it.
pub(super) fn is_within(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an origin names this machine: `localhost`, or an address of the loopback interface.
#[must_use]
pub fn is_loopback_origin(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let host = uri.authority().and_then(host_of);
    uri.scheme().is_some() && host.is_some_and(is_loopback_host)
}

/// Whether a host names this machine. An IPv6 address is in brackets.
fn is_loopback_host(host: &str) -> bool {
    let address = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .and_then(|rest| rest.parse().ok())
            .map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    };
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(complaints: &[Complaint]) -> Vec<&str> {
        complaints.iter().map(|complaint| complaint.key).collect()
    }

    #[test]
    fn the_defaults_are_valid() {
        let server = ServerConfig::default();
        assert_eq!(PagesConfig::default().validate(), vec![]);
        assert_eq!(PagesConfig::default().validate_beside(&server), vec![]);
        assert_eq!(PagesConfig::default().are_served(&server), Ok(true));
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let config = PagesConfig {
            path: "ui/".into(),
            return_to: vec![
                "https://ok.example".into(),
                "https://a.example/".into(),
                "*".into(),
            ],
            logo: Some("logo.gif".into()),
            accent: "#77aaff".into(),
            accent_dark: "blue".into(),
            language: "e".into(),
            ..PagesConfig::default()
        };
        let expected = [
            "path",
            "return_to",
            "return_to",
            "accent",
            "accent_dark",
            "language",
            "logo",
        ];
        assert_eq!(keys(&config.validate()), expected);
    }

    #[test]
    fn pages_and_routes_never_share_an_address() {
        let at = |base: &str, admin: &str, pages: &str, enabled: bool| {
            let server = ServerConfig {
                base_path: base.into(),
                admin_path: admin.into(),
                ..ServerConfig::default()
            };
            let config = PagesConfig {
                path: pages.into(),
                enabled,
                ..PagesConfig::default()
            };
            config.validate_beside(&server).len()
        };
        assert_eq!(at("", "/api/v1/admin", "", true), 1);
        assert_eq!(at("", "/api/v1/admin", "", false), 0);
        assert_eq!(at("", "/api/v1/admin", "/ui", true), 0);
        assert_eq!(at("/auth", "/admin", "", true), 1);
        assert_eq!(at("/auth", "/admin", "/ui", true), 0);
        assert_eq!(at("/account/api", "/x", "", true), 1);
        assert_eq!(at("/accounts", "/administration", "", true), 0);
        assert_eq!(at("/ui", "/x", "/ui", true), 1);
        assert_eq!(at("/auth", "/x", "/auth/ui", true), 1);
        assert_eq!(at("/auth", "/x", "/x/users", true), 1);
    }

    #[test]
    fn over_plain_http_pages_are_served_on_this_machine_only() {
        let at = |public_url: &str| {
            let server = ServerConfig {
                public_url: public_url.into(),
                ..ServerConfig::default()
            };
            PagesConfig::default().are_served(&server).is_ok()
        };
        for good in [
            "https://auth.example.com",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:8080",
        ] {
            assert!(at(good), "{good}");
        }
        for bad in [
            "http://auth.example.com",
            "http://10.0.0.1:8080",
            "http://localhost.example.com",
            "http://[::2]",
            "http://[::1].evil.example",
            "http://[::1]evil.example:8080",
            "http://[::1",
            "http://::1",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example",
            "http://localhost:80@evil.example",
            "http://evil.example#localhost",
        ] {
            assert!(!at(bad), "{bad}");
        }
    }
}
