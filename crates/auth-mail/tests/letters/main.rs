//! Rendering letters and delivering them as files: everything except SMTP.

#![cfg(test)]

mod files;
mod overrides;
mod rendering;

use auth_domain::{email::EmailAddress, mail::MailKind};
use auth_mail::{Letter, MailConfig, MailFacts, Mailer};
use chrono::DateTime;
use secrecy::SecretString;
use std::path::Path;
use uuid::Uuid;

const LINK: &str = "https://id.example.com/reset?token=Zm9vYmFyYmF6cXV4&x=1";
const REPORT_LINK: &str = "https://id.example.com/report?token=cXV4YmF6YmFyZm9v";

fn config(folder: &Path) -> MailConfig {
    MailConfig {
        folder: Some(folder.to_owned()),
        from: "Zoë's Keyward <no-reply@id.example.com>".to_owned(),
        reply_to: Some("help@example.com".to_owned()),
        ..MailConfig::default()
    }
}

/// A mailer with the built-in templates, for rendering.
fn mailer() -> Mailer {
    Mailer::start(&config(tempfile::tempdir().unwrap().path())).unwrap()
}

/// A letter with all values that a caller would give for its kind.
fn letter(kind: MailKind) -> Letter {
    let some = |text: &str| Some(text.to_owned());
    Letter {
        kind,
        to: EmailAddress::parse("ada@example.com").unwrap(),
        id: Uuid::from_u128(0x018f_3c6e_0000_7000_8000_0000_0000_0001),
        date: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        language: None,
        facts: MailFacts {
            service_name: "Example Accounts".to_owned(),
            name: some("Ada Lovelace"),
            link: kind.carries_link().then(|| SecretString::from(LINK)),
            report_link: kind
                .carries_report_link()
                .then(|| SecretString::from(REPORT_LINK)),
            device: some("Firefox on Linux"),
            ip: some("2001:db8::1"),
            at: some("2026-09-21 14:13:20 UTC"),
            valid_for: some("1 hour"),
            new_email: None,
        },
    }
}
