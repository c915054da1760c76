//! Delivery to a real mail server on this machine: over TLS, with a sign-in, refused, deferred, and without an answer.
#![cfg(test)]
#![cfg(feature = "services")]

mod server;
mod tls;
mod trouble;

use auth_domain::{email::EmailAddress, mail::MailKind};
use auth_mail::{Letter, MailConfig, MailFacts, Mailer, SmtpTls, Transport, Undelivered};
use chrono::DateTime;
use secrecy::SecretString;
use server::Server;
use std::time::Duration;
use uuid::Uuid;

const TOKEN: &str = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4";

fn letter(number: u128) -> Letter {
    Letter {
        kind: MailKind::PasswordReset,
        to: EmailAddress::parse("ada@example.com").unwrap(),
        id: Uuid::from_u128(number),
        date: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        language: None,
        facts: MailFacts {
            service_name: "Example Accounts".to_owned(),
            name: Some("Zoë Ødegård".to_owned()),
            link: Some(SecretString::from(format!(
                "https://id.example.com/reset?token={TOKEN}"
            ))),
            ..MailFacts::default()
        },
    }
}

/// A configuration for a server without TLS; the tests change it as they need.
fn config(server: &Server) -> MailConfig {
    MailConfig {
        transport: Transport::Smtp,
        from: "Keyward <no-reply@id.example.com>".to_owned(),
        smtp_host: Some("127.0.0.1".to_owned()),
        smtp_port: server.port(),
        smtp_tls: SmtpTls::None,
        timeout: Duration::from_secs(30),
        ..MailConfig::default()
    }
}

fn signed_in(config: MailConfig, password: &str) -> MailConfig {
    MailConfig {
        smtp_username: Some("keyward".to_owned()),
        smtp_password: Some(SecretString::from(password)),
        ..config
    }
}

/// Delivers one letter with a new mailer.
async fn deliver(config: &MailConfig) -> Result<(), Undelivered> {
    Mailer::start(config).unwrap().deliver(&letter(1)).await
}

/// The text of a failure after which another attempt may succeed.
fn later(outcome: Result<(), Undelivered>) -> String {
    match outcome {
        Err(Undelivered::Later(what)) => without_secrets(what),
        other => panic!("{other:?} is not Later"),
    }
}

/// The text of a failure that waits for the operator.
fn set_up(outcome: Result<(), Undelivered>) -> String {
    match outcome {
        Err(Undelivered::SetUp(what)) => without_secrets(what),
        other => panic!("{other:?} is not SetUp"),
    }
}

/// The text of a permanent failure.
fn never(outcome: Result<(), Undelivered>) -> String {
    match outcome {
        Err(Undelivered::Never(what)) => without_secrets(what),
        other => panic!("{other:?} is not Never"),
    }
}

fn without_secrets(what: String) -> String {
    for secret in [&TOKEN[..8], "://", "@", "Ødegård"] {
        assert!(!what.contains(secret), "{what}");
    }
    what
}
