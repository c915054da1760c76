//! What went wrong between us and the mail server, in words that may be logged.
//!
//! The rule of blame: what the server says for good about **this recipient or this message** ends the mail; whatever else
//! goes wrong (no connection, TLS, the sign-in, the sender) is between the operator and the server, and the mail waits.
//! A server may quote the mail that it refuses, so its words lose everything that could be a piece of a link.

use crate::{error::Undelivered, letter::Facts};
use auth_domain::user::is_invisible_control;
use lettre::transport::smtp::Error;
use std::error::Error as _;

/// Characters of a server's words that are kept.
const LONGEST: usize = 200;
/// So many characters in common with a link are no chance.
const PIECE: usize = 8;

/// How far a delivery had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Connect,
    StartTls,
    SignIn,
    Sender,
    Recipient,
    Message,
}

impl Step {
    const fn words(self) -> &'static str {
        match self {
            Self::Connect => "no connection to the mail server",
            Self::StartTls => "no TLS with the mail server",
            Self::SignIn => "the mail server refused the sign-in",
            Self::Sender => "the mail server refused the sender",
            Self::Recipient => "the mail server refused the recipient",
            Self::Message => "the mail server refused the message",
        }
    }
}

/// What became of the mail.
pub(crate) fn undelivered(step: Step, error: &Error, facts: &Facts) -> Undelivered {
    let blamed = matches!(step, Step::Recipient | Step::Message);
    let Some(code) = error.status().map(|code| code.to_string()) else {
        let during = if blamed || step == Step::Sender {
            "the mail server broke off"
        } else {
            step.words()
        };
        return Undelivered::Later(format!("{during}: {}", cleaned(&error.to_string(), facts)));
    };
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let what = format!("{}: {code} {}", step.words(), cleaned(&said, facts));
    let what = what.trim_end().to_owned();
    // 530: it wants a sign-in first, which is no fault of the recipient's.
    if blamed && error.is_permanent() && code != "530" {
        Undelivered::Never(what)
    } else {
        Undelivered::Later(what)
    }
}

/// The words in one line, without what could be a piece of a link, and not too many of them.
fn cleaned(words: &str, facts: &Facts) -> String {
    let words: String = words
        .chars()
        .map(|c| if is_invisible_control(c) { ' ' } else { c })
        .collect();
    let kept: Vec<&str> = words
        .split_whitespace()
        .map(|word| {
            if may_be_of_a_link(word, facts) {
                "…"
            } else {
                word
            }
        })
        .collect();
    kept.join(" ").chars().take(LONGEST).collect()
}

fn may_be_of_a_link(word: &str, facts: &Facts) -> bool {
    let word = word.to_lowercase();
    word.contains("://")
        || facts.links().any(|link| {
            let link = link.to_lowercase();
            // The host is no secret; what comes after it is.
            let secret = link.split_once("://").map_or(link.as_str(), |(_, rest)| rest);
            let secret = secret.split_once('/').map_or("", |(_, rest)| rest);
            let secret = secret.as_bytes();
            word.as_bytes()
                .windows(PIECE)
                .any(|piece| secret.windows(PIECE).any(|there| there == piece))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    #[test]
    fn a_server_that_quotes_the_mail_does_not_get_its_link_into_the_log() {
        let facts = Facts {
            link: Some(SecretString::from(
                "https://id.example.com/reset?token=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6",
            )),
            ..Facts::default()
        };
        for (said, kept) in [
            (
                "5.1.1 <a@example.com>: no such user",
                "5.1.1 <a@example.com>: no such user",
            ),
            (
                "blocked: https://id.example.com/reset?token=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6 is listed",
                "blocked: … is listed",
            ),
            (
                "blocked: TOKEN=ZM9VYMFYYMF6CXV4 is listed",
                "blocked: … is listed",
            ),
            ("blocked: (Zm9vYmFyYmF) listed", "blocked: … listed"),
            ("id.example.com says\r\nno\u{202E}", "id.example.com says no"),
        ] {
            assert_eq!(cleaned(said, &facts), kept);
        }
        assert_eq!(cleaned(&"long ".repeat(100), &facts).chars().count(), 200);
    }
}
