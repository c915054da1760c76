//! The section `[mail]` of the configuration. A setting that would expose a password or a mail is refused at the start, with the reason.

use crate::{ehlo, mailbox};
use auth_domain::settings::{Complaint, Complaints, Section};
use secrecy::SecretString;
use serde::Deserialize;
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// The transport of mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Each mail becomes an `.eml` file in a folder; nothing is sent.
    Files,
    /// Mails are sent through a mail server.
    Smtp,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// TLS from the first byte (RFC 8314), usually on port 465.
    Tls,
    /// TLS by STARTTLS. Without it, no mail is sent.
    Starttls,
    /// No TLS: for a server on this machine or on a trusted network.
    None,
}

/// `[mail]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The transport of mails.
    pub transport: Transport,
    /// The folder of the `.eml` files. If it is not set, the caller fills in `mail` in the data folder.
    pub folder: Option<PathBuf>,
    /// The `From` header: an address, or a name and an address.
    pub from: String,
    /// The `Reply-To` header. If it is not set, answers go to `from`.
    pub reply_to: Option<String>,
    /// The mail server: a host name or an IP address.
    pub smtp_host: Option<String>,
    /// The port of the mail server.
    pub smtp_port: u16,
    /// How the connection to the mail server is protected.
    pub smtp_tls: SmtpTls,
    /// The name for EHLO: a fully qualified domain name or an address literal. If it is not set, the caller fills in the host of
    /// `server.public_url`; without one it is `[127.0.0.1]`.
    pub smtp_ehlo_name: Option<String>,
    /// The user name for the mail server. If it is not set, there is no sign-in.
    pub smtp_username: Option<String>,
    /// The password for the mail server.
    pub smtp_password: Option<SecretString>,
    /// A file with certificates (PEM) to trust in addition to the system's.
    pub smtp_ca_file: Option<PathBuf>,
    /// The time limit for all of a delivery before the message, and again for the message and the server's answer to it.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// A folder with templates that replace the built-in ones: `<language>/<file>`.
    pub templates: Option<PathBuf>,
    /// The language of mails to readers who requested none.
    pub language: String,
    /// The beginning of links. If it is not set, the caller fills in `server.public_url`.
    pub link_base: Option<String>,
    /// Whether the caller writes links to the log, for development. Everybody who can read the log can use them.
    pub print_links: bool,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            transport: Transport::Files,
            folder: None,
            from: "Keyward <no-reply@localhost>".to_owned(),
            reply_to: None,
            smtp_host: None,
            smtp_port: 587,
            smtp_tls: SmtpTls::Starttls,
            smtp_ehlo_name: None,
            smtp_username: None,
            smtp_password: None,
            smtp_ca_file: None,
            timeout: Duration::from_secs(10),
            templates: None,
            language: "en".to_owned(),
            link_base: None,
            print_links: false,
        }
    }
}

impl Section for MailConfig {
    const NAME: &'static str = "mail";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        if mailbox::parse(&self.from).is_none() {
            complaints.add(
                "from",
                "must be an address, or a name and an address: Keyward <no-reply@example.com>",
            );
        }
        if self
            .reply_to
            .as_deref()
            .is_some_and(|text| mailbox::parse(text).is_none())
        {
            complaints.add("reply_to", "must be an address, or a name and an address");
        }
        let (shortest, longest) = (Duration::from_secs(1), Duration::from_secs(300));
        complaints.within("timeout", self.timeout, shortest, longest);
        if !is_language(&self.language) {
            complaints.add("language", "must be 2 to 8 of a-z and -");
        }
        if self.link_base.as_deref().is_some_and(|base| !is_link_base(base)) {
            complaints.add(
                "link_base",
                "must begin with http:// or https:// and a host, without a user, a query or a fragment",
            );
        }
        self.validate_smtp(&mut complaints);
        complaints.into_vec()
    }
}

impl MailConfig {
    fn validate_smtp(&self, complaints: &mut Complaints) {
        match &self.smtp_host {
            None if self.transport == Transport::Smtp => {
                complaints.add("smtp_host", "must be set with mail.transport = \"smtp\"");
            }
            Some(host) if !is_host(host) => complaints.add(
                "smtp_host",
                "must be a host name or an IP address, without a port",
            ),
            _ => {}
        }
        if self.smtp_port == 0 {
            complaints.add("smtp_port", "must be 1 to 65535");
        }
        if self
            .smtp_ehlo_name
            .as_deref()
            .is_some_and(|name| ehlo::parse(name).is_none())
        {
            complaints.add(
                "smtp_ehlo_name",
                "must be a fully qualified name, such as id.example.com, or an address literal, such as [192.0.2.1] or [IPv6:2001:db8::1]",
            );
        }
        if self.smtp_username.is_some() != self.smtp_password.is_some() {
            complaints.add(
                "smtp_password",
                "must be set if mail.smtp_username is set, and only then",
            );
        }
        if self.smtp_tls == SmtpTls::None {
            if self.smtp_username.is_some() && !self.smtp_host_is_loopback() {
                complaints.add(
                    "smtp_tls",
                    "must be \"tls\" or \"starttls\" with mail.smtp_username; otherwise the password could be intercepted",
                );
            }
            if self.smtp_ca_file.is_some() {
                complaints.add("smtp_ca_file", "has no effect with mail.smtp_tls = \"none\"");
            }
        }
    }

    /// Whether the traffic to the mail server stays on this machine.
    pub(crate) fn smtp_host_is_loopback(&self) -> bool {
        self.smtp_host.as_deref().is_some_and(|host| {
            host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
    }
}

/// Whether the text is a valid name of a template folder: 2 to 8 characters of a-z and `-`.
pub(crate) fn is_language(text: &str) -> bool {
    (2..=8).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
        || (1..=253).contains(&text.len())
            && text.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && label
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            })
}

fn is_link_base(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let visible = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    !host.is_empty() && !host.starts_with(':') && !rest.contains(['?', '#', '@']) && rest.chars().all(visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(toml: &str) -> Vec<&'static str> {
        let config = toml::from_str::<MailConfig>(toml).unwrap();
        config
            .validate()
            .into_iter()
            .map(|complaint| complaint.key)
            .collect()
    }

    #[test]
    fn the_defaults_are_valid_and_write_files() {
        let config: MailConfig = toml::from_str("").unwrap();
        assert_eq!(config.validate(), []);
        assert_eq!(config.transport, Transport::Files);
        assert_eq!(config.timeout, Duration::from_secs(10));
        assert!(!config.print_links);
    }

    #[test]
    fn an_unknown_key_or_word_is_refused() {
        assert!(toml::from_str::<MailConfig>("form = \"a@example.com\"").is_err());
        assert!(toml::from_str::<MailConfig>("transport = \"pigeon\"").is_err());
        assert!(toml::from_str::<MailConfig>("smtp_tls = \"opportunistic\"").is_err());
    }

    #[test]
    fn invalid_values_are_reported_by_their_keys() {
        assert_eq!(keys("from = \"Keyward\""), ["from"]);
        assert_eq!(keys("reply_to = \"a@example.com, b@example.com\""), ["reply_to"]);
        assert_eq!(keys("timeout = \"10ms\""), ["timeout"]);
        for language in ["EN", "e", "../etc", "-en", "portuguese"] {
            assert_eq!(
                keys(&format!("language = \"{language}\"")),
                ["language"],
                "{language}"
            );
        }
        assert_eq!(keys("language = \"pt-br\""), [""; 0]);
        assert_eq!(keys("smtp_port = 0"), ["smtp_port"]);
    }

    #[test]
    fn smtp_requires_a_server() {
        assert_eq!(keys("transport = \"smtp\""), ["smtp_host"]);
        assert_eq!(
            keys("transport = \"smtp\"\nsmtp_host = \"smtp.example.com\""),
            [""; 0]
        );
        assert_eq!(keys("transport = \"smtp\"\nsmtp_host = \"::1\""), [""; 0]);
        for host in ["smtp://a.example", "a.example:25", "a b", ".", "a..b"] {
            assert_eq!(keys(&format!("smtp_host = \"{host}\"")), ["smtp_host"], "{host}");
        }
    }

    #[test]
    fn the_name_for_ehlo_is_fully_qualified_or_an_address_literal() {
        for name in ["id.example.com", "[127.0.0.1]", "[IPv6:::1]"] {
            assert_eq!(keys(&format!("smtp_ehlo_name = \"{name}\"")), [""; 0], "{name}");
        }
        for name in ["keyward", "c0ffee012345", "192.0.2.1", "a b.example"] {
            assert_eq!(
                keys(&format!("smtp_ehlo_name = \"{name}\"")),
                ["smtp_ehlo_name"],
                "{name}"
            );
        }
    }

    #[test]
    fn a_password_without_tls_is_allowed_on_the_same_machine_only() {
        let signed_in = "transport = \"smtp\"\nsmtp_tls = \"none\"\nsmtp_username = \"u\"\nsmtp_password = \"p\"\nsmtp_host = ";
        assert_eq!(keys(&format!("{signed_in} \"smtp.example.com\"")), ["smtp_tls"]);
        assert_eq!(keys(&format!("{signed_in} \"10.0.0.1\"")), ["smtp_tls"]);
        assert_eq!(keys(&format!("{signed_in} \"127.0.0.1\"")), [""; 0]);
        assert_eq!(keys(&format!("{signed_in} \"localhost\"")), [""; 0]);
        assert_eq!(keys("smtp_username = \"u\""), ["smtp_password"]);
    }

    #[test]
    fn the_beginning_of_links_is_a_web_address() {
        for base in ["https://id.example.com", "http://127.0.0.1:8080/accounts"] {
            assert_eq!(keys(&format!("link_base = \"{base}\"")), [""; 0], "{base}");
        }
        for base in [
            "id.example.com",
            "ftp://a.example",
            "https://",
            "https://a.example/?x=1",
            "https://a.example/#x",
            "https://u:p@a.example",
            "https://a.example/ b",
        ] {
            assert_eq!(keys(&format!("link_base = \"{base}\"")), ["link_base"], "{base}");
        }
    }

    #[test]
    fn the_password_is_not_shown_for_debugging() {
        let config: MailConfig = toml::from_str("smtp_password = \"hunter2\"").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
