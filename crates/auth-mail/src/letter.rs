//! One mail before it has words: its kind, whom it is for, and the facts that its templates may tell.
//!
//! Whatever a stranger may have chosen (a name, a device) is made harmless here, before any template sees it.

use auth_domain::{email::EmailAddress, mail::MailKind, time::Timestamp, user::is_invisible_control};
use minijinja::Value;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// What templates may name, besides `kind` and `language`.
pub(crate) const VARIABLES: [&str; 9] = [
    "service_name",
    "name",
    "link",
    "report_link",
    "device",
    "ip",
    "at",
    "valid_for",
    "new_email",
];

/// A mail to be delivered.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What it is about.
    pub kind: MailKind,
    /// Whom it is for.
    pub to: EmailAddress,
    /// The outbox row. The Message-ID is made of it, so that it is the same at every attempt.
    pub id: Uuid,
    /// When it was written: its `Date`, at every attempt.
    pub date: Timestamp,
    /// The language that the reader asked for, as in `de` or `pt-br`; without one, or where there are no templates in it, the
    /// configured one.
    pub language: Option<String>,
    /// What it tells.
    pub facts: MailFacts,
}

/// What a mail tells. A template shows what is there and leaves out what is not.
#[derive(Debug, Clone, Default)]
pub struct MailFacts {
    /// What the service is called.
    pub service_name: String,
    /// What the reader is called. Left out of the mail where it reads like an address or a link: whoever registers with
    /// another person's address chooses it.
    pub name: Option<String>,
    /// Where what the mail is about is done.
    pub link: Option<SecretString>,
    /// Where the reader says "this was not me".
    pub report_link: Option<SecretString>,
    /// The device behind it, as in "Firefox on Linux".
    pub device: Option<String>,
    /// The network address behind it.
    pub ip: Option<String>,
    /// When it happened, as text in UTC.
    pub at: Option<String>,
    /// How long the link works, as in "1 hour".
    pub valid_for: Option<String>,
    /// The address that an account changes to.
    pub new_email: Option<String>,
}

impl MailFacts {
    /// The values that templates see; what is not known is not defined.
    pub(crate) fn values(&self) -> BTreeMap<&'static str, Value> {
        let secret = |link: &Option<SecretString>| link.as_ref().map(|link| one_line(link.expose_secret()));
        let told = |fact: &Option<String>| fact.as_deref().map(one_line);
        let chosen = |fact: &Option<String>| told(fact).filter(|words| !reads_like_a_link(words));
        [
            ("service_name", Some(one_line(&self.service_name))),
            ("name", chosen(&self.name)),
            ("link", secret(&self.link)),
            ("report_link", secret(&self.report_link)),
            ("device", chosen(&self.device)),
            ("ip", told(&self.ip)),
            ("at", told(&self.at)),
            ("valid_for", told(&self.valid_for)),
            ("new_email", told(&self.new_email)),
        ]
        .into_iter()
        .filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((name, Value::from(value)))
        })
        .collect()
    }
}

/// A mail in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The subject: one line.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl fmt::Debug for Content {
    /// The subject alone: the parts hold the links.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// The text without control characters, line breaks and marks that turn its direction.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if is_invisible_control(c) { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a mail program might make a link or an address of it: "http://…", "evil.example", "me@evil.example".
fn reads_like_a_link(words: &str) -> bool {
    let dot_inside_a_word = words
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | '。' | '．' | '｡'))
        .any(|(at, dot)| {
            let before = words.get(..at).and_then(|text| text.chars().next_back());
            let after = words
                .get(at + dot.len_utf8()..)
                .and_then(|text| text.chars().next());
            before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphabetic)
        });
    dot_inside_a_word || words.contains(['@', '/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_reads_like_a_link_is_left_out() {
        for name in [
            "Ada Lovelace",
            "J. R. R. Tolkien",
            "王小明",
            "Sammy Davis Jr.",
            "<script>",
        ] {
            assert!(!reads_like_a_link(name), "{name}");
        }
        for name in [
            "http://evil.example",
            "You won! evil.example",
            "me@evil",
            "evil。example",
            "javascript:alert(1)",
        ] {
            assert!(reads_like_a_link(name), "{name}");
            let facts = MailFacts {
                name: Some(name.to_owned()),
                device: Some(name.to_owned()),
                ..MailFacts::default()
            };
            assert!(facts.values().is_empty());
        }
    }

    #[test]
    fn a_fact_is_one_line() {
        assert_eq!(one_line(" a\r\nBcc: b\u{202E}c\td\0 "), "a Bcc: b c d");
        assert_eq!(one_line("\u{2028}"), "");
    }

    #[test]
    fn every_variable_has_a_value_and_no_other() {
        let word = || Some("word".to_owned());
        let link = || Some(SecretString::from("https://id.example/x"));
        let facts = MailFacts {
            service_name: "Keyward".to_owned(),
            name: word(),
            link: link(),
            report_link: link(),
            device: word(),
            ip: word(),
            at: word(),
            valid_for: word(),
            new_email: word(),
        };
        let mut variables = VARIABLES.to_vec();
        variables.sort_unstable();
        assert_eq!(facts.values().into_keys().collect::<Vec<_>>(), variables);
    }

    #[test]
    fn no_link_is_shown_for_debugging() {
        let facts = MailFacts {
            link: Some(SecretString::from("https://id.example/reset?token=abc")),
            report_link: Some(SecretString::from("https://id.example/report?token=def")),
            ..MailFacts::default()
        };
        let content = Content {
            subject: "Subject".to_owned(),
            text: "https://id.example/reset?token=abc".to_owned(),
            html: "https://id.example/reset?token=abc".to_owned(),
        };
        let shown = format!("{facts:?} {content:?}");
        assert!(!shown.contains("token"), "{shown}");
    }
}
