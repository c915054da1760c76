//! A mail before it is rendered: its kind, its recipient, and the values for its template.
//!
//! Values that a stranger may have chosen (a name, a device) are sanitised here, before a template sees them.

use auth_domain::{email::EmailAddress, mail::MailKind, time::Timestamp, user::is_invisible_control};
use minijinja::Value;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// The variables of templates, besides `kind` and `language`.
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
    /// The kind of mail, which selects the template.
    pub kind: MailKind,
    /// The recipient.
    pub to: EmailAddress,
    /// The id of the outbox row. The Message-ID is derived from it, so that every attempt has the same one.
    pub id: Uuid,
    /// When the mail was queued. It is the `Date` header of every attempt.
    pub date: Timestamp,
    /// The language that the reader requested, such as `de` or `pt-br`. Without one, or without templates in it, the configured language
    /// is used.
    pub language: Option<String>,
    /// The values for the template.
    pub facts: MailFacts,
}

/// The values for a mail's template. A template omits what is not given.
#[derive(Debug, Clone, Default)]
pub struct MailFacts {
    /// The name of the service.
    pub service_name: String,
    /// The reader's name. It is omitted if it looks like an address or a link, because somebody who registers with another person's
    /// address chooses it.
    pub name: Option<String>,
    /// The link to act on the mail.
    pub link: Option<SecretString>,
    /// The link to report "this was not me".
    pub report_link: Option<SecretString>,
    /// The device of the event, such as "Firefox on Linux".
    pub device: Option<String>,
    /// The IP address of the event.
    pub ip: Option<String>,
    /// The time of the event, as text in UTC.
    pub at: Option<String>,
    /// How long the link is valid, such as "1 hour".
    pub valid_for: Option<String>,
    /// The new email address of the account.
    pub new_email: Option<String>,
}

impl MailFacts {
    /// The values as template variables. A value that is not given is undefined.
    pub(crate) fn values(&self) -> BTreeMap<&'static str, Value> {
        let secret = |link: &Option<SecretString>| link.as_ref().map(|link| one_line(link.expose_secret()));
        let shown = |fact: &Option<String>| fact.as_deref().map(one_line);
        let chosen = |fact: &Option<String>| shown(fact).filter(|text| !looks_like_a_link(text));
        [
            ("service_name", Some(one_line(&self.service_name))),
            ("name", chosen(&self.name)),
            ("link", secret(&self.link)),
            ("report_link", secret(&self.report_link)),
            ("device", chosen(&self.device)),
            ("ip", shown(&self.ip)),
            ("at", shown(&self.at)),
            ("valid_for", shown(&self.valid_for)),
            ("new_email", shown(&self.new_email)),
        ]
        .into_iter()
        .filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((name, Value::from(value)))
        })
        .collect()
    }
}

/// A rendered mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The subject: one line.
    pub subject: String,
    /// The plain-text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl fmt::Debug for Content {
    /// Shows the subject only, because the parts contain the links.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// The text as one line, without control characters and bidirectional marks.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if is_invisible_control(c) { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a mail program might show the text as a link or an address: "http://…", "evil.example", "me@evil.example".
fn looks_like_a_link(text: &str) -> bool {
    let dot_inside_a_word = text
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | '。' | '．' | '｡'))
        .any(|(at, dot)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text
                .get(at + dot.len_utf8()..)
                .and_then(|after| after.chars().next());
            before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphabetic)
        });
    dot_inside_a_word || text.contains(['@', '/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_a_link_is_omitted() {
        for name in [
            "Ada Lovelace",
            "J. R. R. Tolkien",
            "王小明",
            "Sammy Davis Jr.",
            "<script>",
        ] {
            assert!(!looks_like_a_link(name), "{name}");
        }
        for name in [
            "http://evil.example",
            "You won! evil.example",
            "me@evil",
            "evil。example",
            "javascript:alert(1)",
        ] {
            assert!(looks_like_a_link(name), "{name}");
            let facts = MailFacts {
                name: Some(name.to_owned()),
                device: Some(name.to_owned()),
                ..MailFacts::default()
            };
            assert!(facts.values().is_empty());
        }
    }

    #[test]
    fn a_value_is_one_line() {
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
