//! Servers that refuse, put off, hang and break off; and what a mail after that may rely on.

use crate::{config, deliver, later, letter, never, server::Server};
use auth_mail::{MailConfig, Mailer};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_refused_recipient_or_message_is_given_up() {
    let server = Server::start(&["--do", "refuse-recipient"]);
    let what = never(deliver(&config(&server)).await);
    assert_eq!(
        what,
        "the mail server refused the recipient: 550 5.1.1 <ada@example.com>: no such mailbox"
    );
    let server = Server::start(&["--do", "refuse-message"]);
    let what = never(deliver(&config(&server)).await);
    assert!(
        what.starts_with("the mail server refused the message: 554 5.7.1 looks like spam: Hello Zoë"),
        "{what}"
    );
}

#[tokio::test]
async fn what_is_no_fault_of_the_recipient_or_passes_by_itself_is_tried_again() {
    for (what, said) in [
        (
            "defer-recipient",
            "the mail server refused the recipient: 451 4.7.1 greylisted, try again",
        ),
        (
            "defer-message",
            "the mail server refused the message: 451 4.3.0 no room right now",
        ),
        (
            "refuse-sender",
            "the mail server refused the sender: 550 5.7.1 not from you",
        ),
        (
            "want-sign-in",
            "the mail server refused the recipient: 530 5.7.0 authentication required",
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
async fn a_server_that_is_not_there_is_tried_again() {
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
async fn a_server_that_hangs_is_left_when_the_time_is_over() {
    for what in ["hang-at-connect", "hang-after-data"] {
        let server = Server::start(&["--do", what]);
        let config = MailConfig {
            timeout: Duration::from_secs(1),
            ..config(&server)
        };
        let begun = Instant::now();
        let said = later(deliver(&config).await);
        assert!(
            said == "the mail server was not done within 1000ms" || said.starts_with("no connection"),
            "{said}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        assert_eq!(server.mails().len(), 0);
    }
}

/// On a connection whose last answer is still to come, that answer would be taken for the next command's.
#[tokio::test]
async fn a_connection_that_was_left_in_the_middle_is_never_used_again() {
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

/// A caller that stops waiting (a lease that ran out, a server that shuts down) leaves no half-used connection either.
#[tokio::test]
async fn a_delivery_that_its_caller_gives_up_spoils_nothing() {
    let server = Server::start(&["--do", "hang-after-data", "--times", "1"]);
    let mailer = Mailer::start(&config(&server)).unwrap();
    let all_of_it_is_sent = async {
        while !server.heard_in_the_clear().ends_with("\r\n.\r\n") {
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
async fn a_mail_whose_answer_got_lost_is_sent_again_as_the_same_mail() {
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
async fn mails_follow_one_another_on_one_connection_also_after_a_refusal() {
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
async fn mails_at_the_same_time_take_connections_of_their_own() {
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
async fn a_kept_connection_that_the_server_closed_is_replaced() {
    let mut first = Server::start(&[]);
    let mailer = Mailer::start(&config(&first)).unwrap();
    mailer.deliver(&letter(1)).await.unwrap();
    first.stop();
    let what = later(mailer.deliver(&letter(2)).await);
    assert!(what.starts_with("no connection to the mail server"), "{what}");
}
