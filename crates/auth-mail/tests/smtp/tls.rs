//! What is sent to the server, and what is never sent without TLS.

use crate::{config, deliver, later, letter, never, server::Server, set_up, signed_in};
use auth_domain::email::EmailAddress;
use auth_mail::{MailConfig, Mailer, SmtpTls};

/// A certificate of an unrelated CA, for servers that create none.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBeTCCAR+gAwIBAgIUUF3+qOfaR7k3NR7MZS7/m7A1/3IwCgYIKoZIzj0EAwIw\n\
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyNjEzNTYyM1oYDzIxMjYxMTAyMTM1\n\
NjIzWjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n\
AAS0nMvN/DeMGZXpevl/ODNEGUP7gZETxmDeD9SNH1l6T5ou1ZBqGp4XmHnd1LHc\n\
AYD96nxPYovrAAcMpD9OTGOHo1MwUTAdBgNVHQ4EFgQU3xbKubO887B3gtf/UlSS\n\
GbCSk0YwHwYDVR0jBBgwFoAU3xbKubO887B3gtf/UlSSGbCSk0YwDwYDVR0TAQH/\n\
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiARNS5TVtjmwb0H07ZG0vjeEWt84qKg\n\
gV0dPkCSgAkxOwIhANd7+yRHVYGKhK11EtqslZ362wyYrey7io0u5OVavMRw\n\
-----END CERTIFICATE-----\n";

fn starttls(server: &Server) -> MailConfig {
    MailConfig {
        smtp_tls: SmtpTls::Starttls,
        smtp_ca_file: Some(server.file("ca.pem")),
        ..config(server)
    }
}

fn implicit(server: &Server) -> MailConfig {
    MailConfig {
        smtp_tls: SmtpTls::Tls,
        ..starttls(server)
    }
}

/// Checks that the server received neither credentials nor any part of a mail without TLS.
fn only_a_greeting_in_plaintext(server: &Server) {
    let received = server.received_in_plaintext();
    for word in ["AUTH", "MAIL", "RCPT", "DATA", "ada@example.com"] {
        assert!(!received.contains(word), "{received}");
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = Server::start(&[]);
    deliver(&config(&server)).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail["from"], "no-reply@id.example.com");
    assert_eq!(mail["to"], serde_json::json!(["ada@example.com"]));
    let headers = &mail["headers"];
    assert_eq!(headers["From"], "Keyward <no-reply@id.example.com>");
    assert_eq!(headers["To"], "ada@example.com");
    assert_eq!(headers["Subject"], "Choose a new password for Example Accounts");
    assert_eq!(
        headers["Message-ID"],
        "<00000000-0000-0000-0000-000000000001@id.example.com>"
    );
    assert_eq!(headers["Auto-Submitted"], "auto-generated");
    let written = Mailer::start(&config(&server))
        .unwrap()
        .render(&letter(1))
        .unwrap();
    let normal = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    assert_eq!(normal(mail["text"].as_str().unwrap()), normal(&written.text));
    assert_eq!(normal(mail["html"].as_str().unwrap()), normal(&written.html));
    assert!(written.text.contains("Zoë Ødegård"));
}

#[tokio::test]
async fn starttls_works_with_the_operators_ca() {
    let server = Server::start(&["--tls", "starttls"]);
    deliver(&starttls(&server)).await.unwrap();
    assert_eq!(server.mails()[0]["tls"], true);
    assert!(server.received_in_plaintext().contains("STARTTLS"));
    only_a_greeting_in_plaintext(&server);
}

#[tokio::test]
async fn tls_from_the_first_byte_works_with_an_ip_address_and_with_a_host_name() {
    let server = Server::start(&["--tls", "implicit"]);
    for host in ["127.0.0.1", "localhost"] {
        let config = MailConfig {
            smtp_host: Some(host.to_owned()),
            ..implicit(&server)
        };
        deliver(&config).await.unwrap();
    }
    assert_eq!(server.mails().len(), 2);
    assert_eq!(server.mails()[0]["tls"], true);
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_refused_and_the_mail_waits() {
    for (tls, port) in [
        ("starttls", starttls as fn(&Server) -> MailConfig),
        ("implicit", implicit),
    ] {
        let server = Server::start(&["--tls", tls, "--auth", "keyward:right"]);
        for ca_file in [Some(server.file("other-ca.pem")), None] {
            let config = MailConfig {
                smtp_ca_file: ca_file,
                ..signed_in(port(&server), "right")
            };
            let what = set_up(deliver(&config).await);
            assert!(what.contains("certificate"), "{what}");
        }
        assert_eq!(server.mails().len(), 0);
        only_a_greeting_in_plaintext(&server);
    }
}

#[tokio::test]
async fn a_server_that_strips_starttls_gets_neither_the_password_nor_the_mail() {
    let server = Server::start(&["--auth", "keyward:right"]);
    std::fs::write(server.file("ca.pem"), CERTIFICATE).unwrap();
    let what = set_up(deliver(&signed_in(starttls(&server), "right")).await);
    assert!(what.contains("STARTTLS is not supported"), "{what}");
    assert_eq!(server.mails().len(), 0);
    only_a_greeting_in_plaintext(&server);
}

#[tokio::test]
async fn a_server_without_tls_where_tls_is_expected_gets_nothing() {
    let server = Server::start(&[]);
    std::fs::write(server.file("ca.pem"), CERTIFICATE).unwrap();
    let config = MailConfig {
        timeout: std::time::Duration::from_secs(2),
        ..signed_in(implicit(&server), "right")
    };
    later(deliver(&config).await);
    assert!(!server.received_in_plaintext().contains("EHLO"));
}

#[tokio::test]
async fn the_sign_in_works_over_tls_and_on_the_same_machine() {
    for (tls, config) in [
        ("starttls", starttls as fn(&Server) -> MailConfig),
        ("implicit", implicit),
        ("none", config),
    ] {
        let server = Server::start(&["--tls", tls, "--auth", "keyward:right"]);
        deliver(&signed_in(config(&server), "right")).await.unwrap();
        assert_eq!(server.mails()[0]["user"], "keyward", "{tls}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_sign_in_wait_for_the_operator() {
    let server = Server::start(&["--tls", "starttls", "--auth", "keyward:right"]);
    let what = set_up(deliver(&signed_in(starttls(&server), "wrong")).await);
    assert!(
        what.starts_with("the mail server refused the sign-in: 535"),
        "{what}"
    );
    assert!(!what.contains("wrong"));
    let what = set_up(deliver(&starttls(&server)).await);
    assert!(what.contains(": 530"), "{what}");
    assert_eq!(server.mails().len(), 0);
}

/// RFC 5321 §2.4: keywords may be written in any case.
#[tokio::test]
async fn a_server_that_writes_its_keywords_in_lower_case_is_understood() {
    for (tls, config) in [
        ("starttls", starttls as fn(&Server) -> MailConfig),
        ("implicit", implicit),
        ("none", config),
    ] {
        let server = Server::start(&["--tls", tls, "--auth", "keyward:right", "--lower-case"]);
        let mailer = Mailer::start(&signed_in(config(&server), "right")).unwrap();
        let mut letter = letter(1);
        letter.to = EmailAddress::parse("zoë@example.com").unwrap();
        mailer.deliver(&letter).await.unwrap();
        assert_eq!(server.mails()[0]["user"], "keyward", "{tls}");
        assert_eq!(server.mails()[0]["tls"], tls != "none", "{tls}");
        assert!(!mailer.cannot_reach(&letter.to), "{tls}");
    }
}

/// Without SMTPUTF8 (RFC 6531) there is no way to name the address to the server.
#[tokio::test]
async fn an_address_beyond_ascii_cannot_be_reached_through_a_server_without_smtputf8() {
    let server = Server::start(&["--no-utf8"]);
    let mailer = Mailer::start(&config(&server)).unwrap();
    let mut beyond = letter(1);
    beyond.to = EmailAddress::parse("zoë@example.com").unwrap();
    assert!(!mailer.cannot_reach(&beyond.to), "nothing is known yet");
    let what = never(mailer.deliver(&beyond).await);
    assert!(what.contains("SMTPUTF8"), "{what}");
    assert!(mailer.cannot_reach(&beyond.to));
    assert!(!mailer.cannot_reach(&letter(1).to));
    mailer.deliver(&letter(2)).await.unwrap();
}

#[tokio::test]
async fn an_address_beyond_ascii_is_a_valid_recipient() {
    let server = Server::start(&[]);
    let mut letter = letter(1);
    letter.to = EmailAddress::parse("zoë@example.com").unwrap();
    Mailer::start(&config(&server))
        .unwrap()
        .deliver(&letter)
        .await
        .unwrap();
    assert_eq!(server.mails()[0]["to"], serde_json::json!(["zoë@example.com"]));
}
