//! Mails as files: their contents, and that a retry does not leave a second one.

use crate::{LINK, config, letter};
use auth_domain::{email::EmailAddress, mail::MailKind};
use auth_mail::{MailConfig, MailError, Mailer, Transport, Undelivered};
use chrono::DateTime;
use secrecy::SecretString;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tempfile::tempdir;
use uuid::Uuid;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The header lines, unfolded.
fn headers(mail: &str) -> Vec<String> {
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    head.replace("\r\n ", " ")
        .split("\r\n")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_mail_is_one_file_that_only_its_owner_can_read_and_a_retry_writes_the_same_one() {
    let home = tempdir().unwrap();
    let folder = home.path().join("data/mail");
    let mailer = Mailer::start(&config(&folder)).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let letter = letter(MailKind::PasswordReset);
    mailer.deliver(&letter).await.unwrap();
    let file = folder.join(format!("{}.eml", letter.id));
    let first = fs::read(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    mailer.deliver(&letter).await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), first);
    assert_eq!(names(&folder), [format!("{}.eml", letter.id)]);
}

#[tokio::test]
async fn the_headers_name_the_sender_and_ask_for_no_automatic_answer() {
    let folder = tempdir().unwrap();
    let mailer = Mailer::start(&config(folder.path())).unwrap();
    let letter = letter(MailKind::PasswordReset);
    mailer.deliver(&letter).await.unwrap();
    let mail = fs::read_to_string(folder.path().join(format!("{}.eml", letter.id))).unwrap();
    assert!(mail.is_ascii());
    let headers = headers(&mail);
    for expected in [
        "Message-ID: <018f3c6e-0000-7000-8000-000000000001@id.example.com>",
        "Date: Mon, 21 Sep 2026 14:13:20 +0000",
        "To: ada@example.com",
        "Reply-To: help@example.com",
        "Subject: Choose a new password for Example Accounts",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(
            headers.iter().any(|header| header == expected),
            "{expected}: {headers:#?}"
        );
    }
    let starts = |start: &str| headers.iter().any(|header| header.starts_with(start));
    assert!(starts("From: =?utf-8?b?") && starts("Content-Type: multipart/alternative"));
    assert!(
        headers
            .iter()
            .any(|header| header.ends_with("<no-reply@id.example.com>"))
    );
    let text = mail.find("Content-Type: text/plain; charset=utf-8").unwrap();
    let html = mail.find("Content-Type: text/html; charset=utf-8").unwrap();
    assert!(text < html, "the last part is the one that programs prefer");
    assert!(
        mail.contains(LINK),
        "the text part of an English mail can be read as it is"
    );
}

#[tokio::test]
async fn no_value_can_inject_a_header() {
    let folder = tempdir().unwrap();
    let templates = tempdir().unwrap();
    fs::create_dir(templates.path().join("en")).unwrap();
    fs::write(
        templates.path().join("en/new_device.subject"),
        "{{ name }} {{ device }} {{ ip }}\nX-Own: 1",
    )
    .unwrap();
    let mut config = config(folder.path());
    config.templates = Some(templates.path().to_owned());
    let mailer = Mailer::start(&config).unwrap();
    let mut letter = letter(MailKind::NewDevice);
    let hostile = "a\r\nBcc: eve@example.com\r\n\r\n<b>\u{85}\u{2028}=?utf-8?q?x?= ";
    letter.facts.name = Some("a\r\nX-Evil\u{2028}b".to_owned());
    letter.facts.ip = Some(hostile.to_owned());
    letter.facts.service_name = hostile.to_owned();
    mailer.deliver(&letter).await.unwrap();
    let mail = fs::read_to_string(folder.path().join(format!("{}.eml", letter.id))).unwrap();
    let mut known: Vec<String> = headers(&mail)
        .iter()
        .map(|header| header.split_once(": ").unwrap().0.to_owned())
        .collect();
    known.sort();
    assert_eq!(
        known,
        [
            "Auto-Submitted",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Reply-To",
            "Subject",
            "To"
        ]
    );
}

#[tokio::test]
async fn every_address_that_the_domain_accepts_can_be_a_recipient() {
    let folder = tempdir().unwrap();
    let mailer = Mailer::start(&config(folder.path())).unwrap();
    for (number, address) in [
        "a@example.com",
        "o'hara+tag{x}|~!#$%&*-/=?^_`@example.com",
        "a.b.c@xn--mnchen-3ya.example",
        "zoë@example.com",
        "用户@例子.example",
        "1@a-b.c-d.example",
    ]
    .into_iter()
    .chain([format!("{}@{}.example", "l".repeat(64), "d".repeat(63)).as_str()])
    .enumerate()
    {
        let mut letter = letter(MailKind::NewDevice);
        letter.id = Uuid::from_u128(number as u128);
        letter.to = EmailAddress::parse(address).unwrap();
        mailer
            .deliver(&letter)
            .await
            .unwrap_or_else(|error| panic!("{address}: {error}"));
        let mail = fs::read_to_string(folder.path().join(format!("{}.eml", letter.id))).unwrap();
        assert!(
            headers(&mail).contains(&format!("To: {}", letter.to)),
            "{address}"
        );
    }
}

#[tokio::test]
async fn a_date_that_the_header_cannot_represent_is_limited() {
    let folder = tempdir().unwrap();
    let mailer = Mailer::start(&config(folder.path())).unwrap();
    let mut letter = letter(MailKind::NewDevice);
    for date in [DateTime::<chrono::Utc>::MIN_UTC, DateTime::<chrono::Utc>::MAX_UTC] {
        letter.date = date;
        mailer.deliver(&letter).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_folder_is_created_again_and_if_that_fails_the_mail_is_deferred() {
    let home = tempdir().unwrap();
    let folder = home.path().join("mail");
    let mailer = Mailer::start(&config(&folder)).unwrap();
    let letter = letter(MailKind::PasswordReset);
    fs::remove_dir(&folder).unwrap();
    mailer.deliver(&letter).await.unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file").unwrap();
    let error = mailer.deliver(&letter).await.unwrap_err();
    assert!(matches!(&error, Undelivered::Later(what) if what.starts_with("the mail could not be written")));
    assert!(!error.to_string().contains("token"));
}

#[test]
fn an_unusable_configuration_stops_the_start() {
    let refused = |config: MailConfig| match Mailer::start(&config).unwrap_err() {
        MailError::Setting(complaint) => complaint.key.to_owned(),
        other => other.to_string(),
    };
    assert_eq!(refused(MailConfig::default()), "folder");
    let smtp = MailConfig {
        transport: Transport::Smtp,
        ..MailConfig::default()
    };
    assert_eq!(refused(smtp.clone()), "smtp_host");
    let home = tempdir().unwrap();
    let not_a_certificate = home.path().join("ca.pem");
    fs::write(&not_a_certificate, "hello").unwrap();
    let smtp = MailConfig {
        smtp_host: Some("smtp.example.com".to_owned()),
        smtp_username: Some("keyward".to_owned()),
        smtp_password: Some(SecretString::from("hunter2")),
        smtp_ca_file: Some(not_a_certificate),
        ..smtp
    };
    assert_eq!(refused(smtp.clone()), "smtp_ca_file");
    let smtp = MailConfig {
        smtp_ca_file: Some(home.path().join("missing.pem")),
        ..smtp
    };
    assert!(refused(smtp).contains("missing.pem: "));
}
