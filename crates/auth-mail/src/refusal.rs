//! Failures of SMTP deliveries, with texts that are safe to log and to store.
//!
//! A server may quote what it was sent: the recipient's address, a link, credentials. So only the code, the enhanced status code and known
//! words of a reply are kept ([`auth_domain::foreign_words`]). The domain decides what a refusal means for the mail
//! ([`auth_domain::delivery`]).

use crate::error::Undelivered;
use auth_domain::{
    delivery::{EnhancedCode, Stage, Verdict, judge},
    foreign_words::known,
};
use lettre::transport::smtp::Error;
use std::{error::Error as StdError, io};

/// The stage at which a delivery failed, and the cause.
pub(crate) struct DeliveryFailure {
    stage: Stage,
    cause: Cause,
}

enum Cause {
    Smtp(Error),
    Io(io::Error),
    /// The server does not offer what the configuration requires.
    Missing(&'static str),
}

impl DeliveryFailure {
    /// An error of lettre at this stage.
    pub(crate) fn at(stage: Stage) -> impl Fn(Error) -> Self {
        move |error| Self {
            stage,
            cause: Cause::Smtp(error),
        }
    }

    /// The connection could not be made.
    pub(crate) fn not_connected(error: io::Error) -> Self {
        Self {
            stage: Stage::Connect,
            cause: Cause::Io(error),
        }
    }

    /// The server does not offer what the configuration requires.
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

    /// What the failure means for the mail.
    pub(crate) fn undelivered(&self) -> Undelivered {
        let error = match &self.cause {
            Cause::Missing(what) => return Undelivered::SetUp(sentence(refused_at(self.stage), what)),
            Cause::Io(error) => {
                return Undelivered::Later(sentence(refused_at(self.stage), &loggable_text(error)));
            }
            Cause::Smtp(error) => error,
        };
        let Some(code) = self.code() else {
            let what = sentence(broke_off_at(self.stage), &loggable_text(error));
            return if is_certificate_error(error) {
                Undelivered::SetUp(what)
            } else {
                Undelivered::Later(what)
            };
        };
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        let what = format!("{}: {}", refused_at(self.stage), loggable_reply(code, &text));
        match judge(self.stage, code, &text) {
            Verdict::TryAgain => Undelivered::Later(what),
            Verdict::SetUp => Undelivered::SetUp(what),
            Verdict::GiveUp => Undelivered::Never(what),
        }
    }
}

/// The part of a reply that is safe to log.
fn loggable_reply(code: u16, text: &str) -> String {
    let (enhanced, text) = EnhancedCode::split_from(text);
    let enhanced = enhanced.map(|enhanced| enhanced.to_string()).unwrap_or_default();
    [code.to_string(), enhanced, known(text)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The part of an error that is safe to log.
fn loggable_text(error: &dyn StdError) -> String {
    known(&error.to_string())
}

fn sentence(what: &str, detail: &str) -> String {
    if detail.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {detail}")
    }
}

/// Whether TLS failed because of the server's certificate, which another attempt would not change.
fn is_certificate_error(error: &Error) -> bool {
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

const fn refused_at(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "no connection to the mail server",
        Stage::Tls => "no TLS with the mail server",
        Stage::SignIn => "the mail server refused the sign-in",
        Stage::Sender => "the mail server refused the sender",
        Stage::Recipient => "the mail server refused the recipient",
        Stage::Message => "the mail server refused the message",
    }
}

const fn broke_off_at(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect | Stage::Tls => refused_at(stage),
        Stage::SignIn | Stage::Sender | Stage::Recipient | Stage::Message => "the mail server broke off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_codes_and_known_words_of_a_reply_are_kept() {
        for (code, text, kept) in [
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
            assert_eq!(loggable_reply(code, text), kept);
        }
    }
}
