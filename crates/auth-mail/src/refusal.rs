//! What went wrong between us and the mail server, in words that may be logged and stored.
//!
//! A server may quote whatever it was given: the recipient's address, a link, a sign-in. Of its reply the code and the enhanced
//! status code are kept, and of the text only known words ([`auth_domain::foreign_words`]). What a refusal means for the mail
//! is the domain's decision ([`auth_domain::delivery`]).

use crate::error::Undelivered;
use auth_domain::{
    delivery::{EnhancedCode, Stage, Verdict, judge},
    foreign_words::known,
};
use lettre::transport::smtp::Error;
use std::{error::Error as StdError, io};

/// Where a delivery failed, and how.
pub(crate) struct Failure {
    stage: Stage,
    cause: Cause,
}

enum Cause {
    Smtp(Error),
    Io(io::Error),
    /// The server lacks what the configuration wants of it.
    Missing(&'static str),
}

impl Failure {
    /// lettre's error at this stage.
    pub(crate) fn at(stage: Stage) -> impl Fn(Error) -> Self {
        move |error| Self {
            stage,
            cause: Cause::Smtp(error),
        }
    }

    /// No connection was made.
    pub(crate) fn unconnected(error: io::Error) -> Self {
        Self {
            stage: Stage::Connect,
            cause: Cause::Io(error),
        }
    }

    /// The server does not offer what the configuration asks for.
    pub(crate) fn missing(stage: Stage, what: &'static str) -> Self {
        Self {
            stage,
            cause: Cause::Missing(what),
        }
    }

    /// The server's reply code, if it gave one.
    pub(crate) fn code(&self) -> Option<u16> {
        match &self.cause {
            Cause::Smtp(error) => error.status().map(u16::from),
            Cause::Io(_) | Cause::Missing(_) => None,
        }
    }

    /// What becomes of the mail.
    pub(crate) fn verdict(&self) -> Undelivered {
        let error = match &self.cause {
            Cause::Missing(what) => return Undelivered::SetUp(sentence(words(self.stage), what)),
            Cause::Io(error) => return Undelivered::Later(sentence(words(self.stage), &said(error))),
            Cause::Smtp(error) => error,
        };
        let Some(code) = self.code() else {
            let what = sentence(unanswered(self.stage), &said(error));
            return if is_certificate(error) {
                Undelivered::SetUp(what)
            } else {
                Undelivered::Later(what)
            };
        };
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        let what = format!("{}: {}", words(self.stage), reply(code, &text));
        match judge(self.stage, code, &text) {
            Verdict::TryAgain => Undelivered::Later(what),
            Verdict::SetUp => Undelivered::SetUp(what),
            Verdict::GiveUp => Undelivered::Never(what),
        }
    }
}

/// A reply as it may be passed on.
fn reply(code: u16, text: &str) -> String {
    let (enhanced, text) = EnhancedCode::split_from(text);
    let enhanced = enhanced.map(|enhanced| enhanced.to_string()).unwrap_or_default();
    [code.to_string(), enhanced, known(text)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The known words of an error and of what caused it.
fn said(error: &dyn StdError) -> String {
    known(&error.to_string())
}

fn sentence(what: &str, said: &str) -> String {
    if said.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {said}")
    }
}

/// Whether TLS failed because of the server's certificate, which no other attempt changes.
fn is_certificate(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let invalid = cause
            .downcast_ref::<io::Error>()
            .is_some_and(|io| io.kind() == io::ErrorKind::InvalidData);
        if invalid && cause.to_string().contains("certificate") {
            return true;
        }
        source = cause.source();
    }
    false
}

const fn words(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "no connection to the mail server",
        Stage::Tls => "no TLS with the mail server",
        Stage::SignIn => "the mail server refused the sign-in",
        Stage::Sender => "the mail server refused the sender",
        Stage::Recipient => "the mail server refused the recipient",
        Stage::Message => "the mail server refused the message",
    }
}

const fn unanswered(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect | Stage::Tls => words(stage),
        Stage::SignIn | Stage::Sender | Stage::Recipient | Stage::Message => "the mail server broke off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reply_the_codes_and_known_words_are_passed_on() {
        for (code, text, passed_on) in [
            (
                550,
                "5.1.1 <victim@example.com>: rejected",
                "550 5.1.1 … rejected",
            ),
            (550, "<victim@example.com>: no such user", "550 … no such user"),
            (550, "5.1.1", "550 5.1.1"),
            (554, "https://id.example.com/reset?token=abc", "554"),
            (
                504,
                "5.5.2 <host01>: Helo command rejected: need fully-qualified hostname",
                "504 5.5.2 … Helo command rejected need fully-qualified hostname",
            ),
        ] {
            assert_eq!(reply(code, text), passed_on);
        }
    }
}
