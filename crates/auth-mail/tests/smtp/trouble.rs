//! Servers that refuse, defer, hang or disconnect, and the next mail after that.

use crate::{config, deliver, later, letter, never, server::Server, set_up};
use auth_mail::{MailConfig, Mailer};
use std::time::{Duration, Instant};

/// Most servers quote the address that they refuse.
#[tokio::test]
async fn a_refused_recipient_or_message_is_given_up_and_neither_is_quoted() {
    let refused = |what: &'static str, answer: &'static str| async move {
        let server = Server::start(&["--do", what, "--answer", answer]);
        never(deliver(&config(&server)).await)
    };
    assert_eq!(
        refused("refuse-recipient", "550 5.1.1 <ADDRESS>: rejected").await,
        "the mail server refused the recipient: 550 5.1.1 … rejected"
    );
    assert_eq!(
        refused("refuse-recipient", "550 ADDRESS is unknown here").await,
        "the mail server refused the recipient: 550 … is unknown …"
    );
    let what = refused("refuse-message", "554 5.6.0 malformed: ").await;
    assert!(
        what.starts_with("the mail server refused the message: 554 5.6.0 …"),
        "{what}"
    );
}

/// A refusal that concerns the configuration is not the recipient's fault, at whichever command the server sends it.
#[tokio::test]
async fn a_refusal_that_concerns_the_configuration_waits_for_the_operator_and_loses_no_mail() {
    for (what, answer, text) in [
        (
            "refuse-recipient",
            "504 5.5.2 <host01>: Helo command rejected: need fully-qualified hostname",
            "the mail server refused the recipient: 504 5.5.2 … Helo command rejected need fully-qualified hostname",
        ),
        (
            "refuse-recipient",
            "554 5.7.1 <ADDRESS>: Relay access denied",
            "the mail server refused the recipient: 554 5.7.1 … Relay access denied",
        ),
        (
            "refuse-recipient",
            "550 relay not permitted",
            "the mail server refused the recipient: 550 relay not permitted",
        ),
        (
            "refuse-sender",
            "550 5.7.1 not from you",
            "the mail server refused the sender: 550 5.7.1 not from you",
        ),
        (
            "want-sign-in",
            "",
            "the mail server refused the recipient: 530 5.7.0 authentication required",
        ),
        (
            "refuse-message",
            "550 5.7.26 unauthenticated sender, DMARC policy: ",
            "the mail server refused the message: 550 5.7.26 … sender DMARC policy …",
        ),
    ] {
        let server = Server::start(&["--do", what, "--answer", answer, "--times", "1"]);
        let mailer = Mailer::start(&config(&server)).unwrap();
        let failure = set_up(mailer.deliver(&letter(1)).await);
        assert!(failure.starts_with(text), "{failure}");
        mailer.deliver(&letter(1)).await.unwrap();
        assert_eq!(server.mails().len(), 1, "{answer}");
    }
}

/// RFC 5321 §2.3.5 and §4.1.4: a fully qualified name or an address literal, never a bare host name.
#[tokio::test]
async fn ehlo_gives_the_configured_name_or_an_address_literal() {
    for (name, given) in [
        (None, "[127.0.0.1]"),
        (Some("id.example.com"), "id.example.com"),
        (Some("[IPv6:2001:db8::1]"), "[IPv6:2001:db8::1]"),
    ] {
        let server = Server::start(&[]);
        let config = MailConfig {
            smtp_ehlo_name: name.map(str::to_owned),
            ..config(&server)
        };
        deliver(&config).await.unwrap();
        assert_eq!(server.mails()[0]["ehlo"], given);
    }
}

#[tokio::test]
async fn a_temporary_failure_is_retried() {
    for (what, said) in [
        (
            "defer-recipient",
            "the mail server refused the recipient: 451 4.7.1 greylisted try again",
        ),
        (
            "defer-message",
            "the mail server refused the message: 451 4.3.0 no room right …",
        ),
        (
            "close-at-connect",
            "no connection to the mail server: 421 4.3.2 closing",
        ),
    ] {
        let server = Server::start(&["--do", what, "--times", "1"]);
        let mailer = Mailer::start(&config(&server)).unwrap();
        assert_eq!(later(mailer.deliver(&letter(1)).await), said);
        mailer.deliver(&letter(1)).await.unwrap();
        assert_eq!(server.mails().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_retried() {
    let mut server = Server::start(&[]);
    let config = config(&server);
    server.stop();
    let what = later(deliver(&config).await);
    assert!(what.starts_with("no connection to the mail server"), "{what}");
    let nowhere = MailConfig {
        smtp_host: Some("mail.invalid".to_owned()),
        ..config
    };
    later(deliver(&nowhere).await);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_the_timeout() {
    for what in ["hang-at-connect", "hang-after-data"] {
        let server = Server::start(&["--do", what]);
        let config = MailConfig {
            timeout: Duration::from_secs(1),
            ..config(&server)
        };
        let begun = Instant::now();
        let said = later(deliver(&config).await);
        assert!(
            said == "the mail server was not ready within 1000ms"
                || said == "the mail server did not answer the message within 1000ms"
                || said.starts_with("no connection"),
            "{said}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        assert_eq!(server.mails().len(), 0);
    }
}

/// On a connection with an outstanding answer, that answer would be taken for the next command's answer.
#[tokio::test]
async fn a_connection_with_an_outstanding_answer_is_never_used_again() {
    let server = Server::start(&["--do", "hang-after-data", "--times", "1"]);
    let config = MailConfig {
        timeout: Duration::from_secs(3),
        ..config(&server)
    };
    let mailer = Mailer::start(&config).unwrap();
    later(mailer.deliver(&letter(1)).await);
    mailer.deliver(&letter(2)).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0]["connection"], 2);
    assert_eq!(
        mails[0]["headers"]["Message-ID"],
        "<00000000-0000-0000-0000-000000000002@id.example.com>"
    );
}

/// A caller that stops waiting (its lease expired, the server shuts down) leaves no connection with an outstanding answer, either.
#[tokio::test]
async fn a_delivery_that_its_caller_abandons_does_not_affect_the_next_one() {
    let server = Server::start(&["--do", "hang-after-data", "--times", "1"]);
    let mailer = Mailer::start(&config(&server)).unwrap();
    let all_of_it_is_sent = async {
        while !server.received_in_plaintext().ends_with("\r\n.\r\n") {
            tokio::task::yield_now().await;
        }
    };
    let hanging = letter(1);
    tokio::select! {
        outcome = mailer.deliver(&hanging) => panic!("{outcome:?}"),
        () = all_of_it_is_sent => {}
    }
    mailer.deliver(&letter(2)).await.unwrap();
    assert_eq!(server.mails()[0]["connection"], 2);
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_sent_again_as_the_same_mail() {
    let server = Server::start(&["--do", "drop-after-data", "--times", "1"]);
    let mailer = Mailer::start(&config(&server)).unwrap();
    let said = later(mailer.deliver(&letter(1)).await);
    assert!(said.starts_with("the mail server broke off"), "{said}");
    mailer.deliver(&letter(1)).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(
        mails[0]["raw"], mails[1]["raw"],
        "the same to the byte, Message-ID included"
    );
}

#[tokio::test]
async fn mails_are_sent_on_one_connection_also_after_a_refusal() {
    let server = Server::start(&["--do", "refuse-recipient", "--times", "1"]);
    let mailer = Mailer::start(&config(&server)).unwrap();
    never(mailer.deliver(&letter(1)).await);
    for number in 2..6 {
        mailer.deliver(&letter(number)).await.unwrap();
    }
    let connections: Vec<_> = server
        .mails()
        .iter()
        .map(|mail| mail["connection"].clone())
        .collect();
    assert_eq!(connections, [1, 1, 1, 1]);
}

#[tokio::test]
async fn concurrent_mails_use_separate_connections() {
    let server = Server::start(&[]);
    let mailer = std::sync::Arc::new(Mailer::start(&config(&server)).unwrap());
    let tasks: Vec<_> = (1..=8)
        .map(|number| {
            let mailer = mailer.clone();
            tokio::spawn(async move { mailer.deliver(&letter(number)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut ids: Vec<_> = server
        .mails()
        .iter()
        .map(|mail| mail["headers"]["Message-ID"].to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8);
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_is_not_used() {
    let mut first = Server::start(&[]);
    let mailer = Mailer::start(&config(&first)).unwrap();
    mailer.deliver(&letter(1)).await.unwrap();
    first.stop();
    let what = later(mailer.deliver(&letter(2)).await);
    assert!(what.starts_with("no connection to the mail server"), "{what}");
}
