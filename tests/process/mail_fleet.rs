//! Nodes that send mails through one mail server, working or failing. The rule: each mail arrives once, none is lost, no request waits
//! for one, and no secret reaches the log.

mod cluster;

use cluster::{Cluster, Kind, mails_by_purpose, until};
use futures::future::join_all;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tests::{Backend, PASSWORD};

/// How many mails a node claims at a time.
const CLAIM: usize = 10;

async fn each_mail_arrives_once(backend: Backend, nodes: usize) {
    let cluster = Cluster::open(backend, nodes, &[], &[("MAIL__TIMEOUT", "20s")]);
    let emails: Vec<_> = (0..30).map(|n| format!("ada{n}@example.com")).collect();
    let ask = emails.iter().enumerate().map(|(n, email)| {
        let (one, other) = (cluster.client(n), cluster.client(n + 1));
        async move {
            cluster::register(&one, email).await;
            cluster::forgot(&other, email).await;
        }
    });
    join_all(ask).await;
    cluster::forgot(&cluster.client(0), "nobody@example.com").await;
    cluster.all_are_sent().await;

    let mails = cluster.mail.mails();
    assert_eq!(mails.len(), 2 * emails.len());
    let by_purpose = mails_by_purpose(&mails);
    for email in &emails {
        for kind in [Kind::Verify, Kind::Reset] {
            let same = &by_purpose[&(email.clone(), kind)];
            assert_eq!(same.len(), 1, "{email}, {kind:?}");
            let mail = same[0];
            assert_eq!(mail.sender, "no-reply@id.example.com");
            assert_eq!(mail.from, "Keyward <no-reply@id.example.com>");
            assert_eq!(
                (mail.recipients.as_slice(), &mail.to),
                (&[email.clone()][..], email)
            );
            let token = kind.token(mail).unwrap();
            let link = format!("https://id.example.com/{}?token={token}", kind.page());
            assert!(mail.text.contains(&link), "{}", mail.text);
            assert!(mail.html.contains(&token), "{}", mail.html);
        }
    }
    let mut ids: Vec<_> = mails.iter().map(|mail| &mail.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), mails.len());
    cluster.links_work(&mails).await;
    cluster.all_are_sent().await;
    cluster.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mail_of_one_node_arrives_once() {
    each_mail_arrives_once(Backend::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mail_of_three_nodes_arrives_once() {
    each_mail_arrives_once(Backend::Postgres, 3).await;
}

/// The mail server answers late, so a kill often falls between its acceptance of a mail and the record of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stdout,
    reason = "kept back, and shown where the test fails or is asked to"
)]
async fn killed_nodes_lose_no_mail_and_send_few_twice() {
    const KILLS: usize = 8;
    let mut cluster = Cluster::open(
        Backend::Postgres,
        3,
        &["--do", "answer-late"],
        &[("MAIL__TIMEOUT", "4s")],
    );
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..cluster::WORKERS)
        .map(|worker| tokio::spawn(cluster.load(worker, Arc::clone(&stop))))
        .collect();
    for kill in 0..KILLS {
        let next = cluster.mail.count() + 12;
        until("the mails flow", || cluster.mail.count() >= next).await;
        cluster.kill_and_start_again(kill % 3);
    }
    stop.store(true, Ordering::Relaxed);
    let asked: Vec<_> = join_all(load)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    cluster.all_are_sent().await;

    let mails = cluster.mail.mails();
    let by_purpose = mails_by_purpose(&mails);
    for purpose in &asked {
        assert!(by_purpose.contains_key(purpose), "{purpose:?} was lost");
    }
    let mut twice = 0;
    for (purpose, same) in &by_purpose {
        assert!(
            same.iter()
                .all(|mail| mail.id == same[0].id && mail.raw == same[0].raw),
            "{purpose:?} came as different mails"
        );
        twice += same.len() - 1;
    }
    println!(
        "{} mails asked for, {} arrived, {KILLS} kills, {twice} arrivals more than once",
        asked.len(),
        by_purpose.len()
    );
    assert!(twice <= KILLS * CLAIM, "{twice}");
    cluster.links_work(&mails).await;
    cluster.all_are_sent().await;
    cluster.close();
}

/// The mail server fails in this way for the first mails. `at_most`: how often each of them may arrive.
async fn deliver_despite(what: &'static str, at_most: usize) {
    // No log line may contain a secret, at the most verbose level.
    let settings = [
        ("MAIL__TIMEOUT", "3s"),
        (
            "LOG__LEVEL",
            "info,auth_mail=trace,auth_service=trace,lettre=trace",
        ),
    ];
    let cluster = Cluster::open(Backend::Sqlite, 1, &["--do", what, "--times", "6"], &settings);
    let client = cluster.client(0);
    for n in 0..6 {
        cluster::register(&client, &format!("ada{n}@example.com")).await;
    }
    cluster.all_are_sent().await;
    let mails = cluster.mail.mails();
    let by_purpose = mails_by_purpose(&mails);
    assert_eq!(by_purpose.len(), 6, "{what}");
    for same in by_purpose.values() {
        assert!(same.len() <= at_most, "{what}: {}", same.len());
        assert!(same.iter().all(|mail| mail.raw == same[0].raw), "{what}");
    }
    let log = cluster.nodes[0].log();
    assert!(log.matches("a mail has to wait").count() >= 6, "{what}: {log}");
    assert_eq!(cluster.status(), (0, 0), "{what}");
    cluster.links_work(&mails).await;
    cluster.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn mails_that_the_mail_server_defers_or_interrupts_arrive_later() {
    let days = [
        ("defer-recipient", 1),
        ("defer-message", 1),
        ("hang-at-connect", 1),
        ("hang-after-data", 1),
        ("close-at-connect", 1),
        ("drop-after-data", 2),
    ];
    let days = days.map(|(what, at_most)| tokio::spawn(deliver_despite(what, at_most)));
    for day in join_all(days).await {
        day.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_mails_survive_a_mail_server_outage_and_a_restart() {
    let mut cluster = Cluster::open(Backend::Sqlite, 1, &[], &[("MAIL__TIMEOUT", "20s")]);
    cluster.mail.stop();
    for n in 0..5 {
        cluster::register(&cluster.client(0), &format!("ada{n}@example.com")).await;
    }
    until("every mail was tried", || {
        cluster.nodes[0].log().matches("a mail has to wait").count() >= 5
    })
    .await;
    assert_eq!(cluster.status(), (5, 0));
    cluster.kill_and_start_again(0);
    cluster.mail.start_again(&[]);
    cluster.all_are_sent().await;
    let mails = cluster.mail.mails();
    assert_eq!((mails.len(), mails_by_purpose(&mails).len()), (5, 5));
    cluster.links_work(&mails).await;
    cluster.close();
}

/// The mail server refuses one address for good, or hangs on it each time. The other mails are not delayed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mail_that_always_fails_blocks_no_other() {
    let days = ["refuse-recipient", "refuse-message", "hang-after-data"].map(|what| {
        tokio::spawn(async move {
            let cluster = Cluster::open(
                Backend::Sqlite,
                1,
                &["--do", what, "--only", "bad@example.com"],
                &[("MAIL__TIMEOUT", "2s")],
            );
            let client = cluster.client(0);
            cluster::register(&client, "bad@example.com").await;
            cluster::forgot(&client, "bad@example.com").await;
            for n in 0..12 {
                cluster::register(&client, &format!("ada{n}@example.com")).await;
                cluster::forgot(&client, &format!("ada{n}@example.com")).await;
            }
            until("the others arrive", || cluster.arrived() >= 24).await;
            // A refusal of the message may be the fault of the configuration, so that mail waits.
            let settled = if what == "refuse-recipient" {
                (0, 2)
            } else {
                (2, 0)
            };
            until("what became of each is written down", || {
                cluster.status() == settled
            })
            .await;
            cluster::forgot(&client, "bad@example.com").await;
            cluster::forgot(&client, "ada0@example.com").await;
            until("the next arrives as well", || cluster.arrived() >= 25).await;
            let mails = cluster.mail.mails();
            assert!(!mails.iter().any(|mail| mail.to == "bad@example.com"));
            assert_eq!(cluster.arrived(), 25, "{what}");
            cluster.each_came_once_or_its_answer_was_late();
            cluster.close();
        })
    });
    for day in join_all(days).await {
        day.unwrap();
    }
}

/// docs/rules.md §8: a mail is sent twice only after a kill. Here the database does not record the delivery for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_sent_while_the_database_refused_to_record_it_arrives_once() {
    let cluster = Cluster::open(Backend::Sqlite, 1, &[], &[("MAIL__TIMEOUT", "20s")]);
    cluster.database.sql(
        "CREATE TRIGGER no_note BEFORE UPDATE ON outbox WHEN NEW.outcome = 'sent' \
         BEGIN SELECT RAISE(ABORT, 'not now'); END",
    );
    cluster::register(&cluster.client(0), "ada@example.com").await;
    until("the note fails", || {
        cluster.nodes[0].log().contains("could not be recorded")
    })
    .await;
    assert_eq!(cluster.mail.count(), 1);
    cluster.database.sql("DROP TRIGGER no_note");
    cluster.all_are_sent().await;
    let mails = cluster.mail.mails();
    assert_eq!(mails.len(), 1);
    cluster.links_work(&mails).await;
    cluster.close();
}

/// A mail server with the usual rules refuses a bare host name at RCPT. No mail is lost, the operator learns of it, and the addresses
/// that the server quotes appear in no log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_blocked_by_a_wrong_configuration_wait_and_leave_once_it_is_fixed() {
    let refuse = |answer: &'static str| ["--do", "refuse-recipient", "--answer", answer];
    let mut cluster = Cluster::open(
        Backend::Sqlite,
        1,
        &refuse("504 5.5.2 <ADDRESS>: Helo command rejected: need fully-qualified hostname"),
        &[],
    );
    for n in 0..3 {
        cluster::register(&cluster.client(0), &format!("ada{n}@example.com")).await;
    }
    until("every mail was tried", || cluster.unsent().len() == 3).await;
    assert_eq!(cluster.status(), (3, 0));
    for mail in cluster.unsent() {
        assert!(
            mail["state"] == "waiting" && mail["kind"] == "email_verification",
            "{mail}"
        );
        let why = mail["why"].as_str().unwrap();
        assert!(why.contains("504 5.5.2 … Helo command rejected"), "{why}");
    }

    // Another mail server refuses the recipients. These mails are given up, and stay in the list.
    cluster.mail.start_again(&refuse("550 5.1.1 <ADDRESS>: rejected"));
    cluster.retry(&["--all"]);
    until("all are given up", || cluster.status() == (0, 3)).await;
    let given_up = cluster.unsent();
    assert!(
        given_up.iter().all(|mail| mail["state"] == "given_up"),
        "{given_up:?}"
    );

    cluster.mail.start_again(&[]);
    let first = given_up[0]["id"].as_str().unwrap().to_owned();
    assert!(cluster.retry(&[&first]).contains("tried again: 1"));
    until("the one arrives", || cluster.mail.count() == 1).await;
    assert!(cluster.retry(&["--all"]).contains("tried again: 2"));
    cluster.all_are_sent().await;
    let mails = cluster.mail.mails();
    assert_eq!((mails.len(), mails_by_purpose(&mails).len()), (3, 3));
    assert_eq!(cluster.unsent(), [""; 0]);
    cluster.links_work(&mails).await;

    let log = cluster.nodes[0].log();
    assert!(log.contains("the mail server refuses this set-up"), "{log}");
    assert!(log.contains("504 5.5.2") && log.contains("550 5.1.1"), "{log}");
    assert!(!log.contains("ada0@") && !log.contains("ada2@"), "{log}");
    cluster.close();
}

/// Without SMTPUTF8 the account is created, each mail is given up, and no page says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_the_mail_server_cannot_express_is_undeliverable() {
    let cluster = Cluster::open(
        Backend::Sqlite,
        1,
        &["--no-utf8"],
        &[("REGISTRATION__REQUIRE_VERIFIED_EMAIL", "true")],
    );
    let client = cluster.client(0);
    let register = async |email: &str| {
        let body = serde_json::json!({ "email": email, "password": PASSWORD });
        client.post("/register", &body).await.expect(202).text
    };
    let usual = register("ada@example.com").await;
    until("the first mail arrives", || cluster.mail.count() == 1).await;
    let answer = register("josé@example.com").await;
    assert!(
        answer != usual && answer.contains("no email can reach this one"),
        "{answer}"
    );
    until("the other is given up", || cluster.status() == (0, 1)).await;
    assert!(cluster.unsent()[0]["why"].as_str().unwrap().contains("SMTPUTF8"));
    // A known address is answered as a new one.
    assert_eq!(register("josé@example.com").await, answer);
    assert_eq!(register("ada@example.com").await, usual);
    cluster.close();
}

/// A delivery takes as long as `mail.timeout` allows (30 s here). No answer takes that long.
async fn answers_wait_for_no_mail(backend: Backend, what: &'static str) {
    let mut cluster = Cluster::open(backend, 1, &["--do", what], &[("MAIL__TIMEOUT", "30s")]);
    let client = cluster.client(0);
    let mut took = Vec::new();
    for n in 0..25 {
        let email = format!("ada{n}@example.com");
        let begun = Instant::now();
        cluster::register(&client, &email).await;
        took.push(begun.elapsed());
        let begun = Instant::now();
        cluster::forgot(&client, &email).await;
        took.push(begun.elapsed());
        client.get("/health/ready").await.expect(200);
    }
    took.sort();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    assert!(median < Duration::from_secs(1), "{what}: {took:?}");
    // The machine may be busy. A delivery would have taken far longer.
    assert!(slowest < Duration::from_secs(10), "{what}: {took:?}");
    assert_eq!(cluster.mail.count(), 0);
    cluster.mail.stop();
    cluster.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_response_waits_for_a_mail_server_that_hangs() {
    let days = [
        (Backend::Sqlite, "hang-at-connect"),
        (Backend::Postgres, "hang-after-data"),
    ];
    let days = days.map(|(backend, what)| tokio::spawn(answers_wait_for_no_mail(backend, what)));
    for day in join_all(days).await {
        day.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_logged_only_if_configured_and_passwords_never() {
    let mut cluster = Cluster::open(Backend::Sqlite, 1, &[], &[("MAIL__PRINT_LINKS", "true")]);
    let client = cluster.client(0);
    cluster::register(&client, "ada@example.com").await;
    cluster::forgot(&client, "ada@example.com").await;
    cluster.all_are_sent().await;
    let mails = cluster.mail.mails();
    assert_eq!(mails.len(), 2);
    let log = cluster.nodes[0].log_to_the_end();
    for token in mails.iter().flat_map(tests::Received::tokens) {
        assert!(log.contains(&format!("?token={token}")), "{log}");
    }
    assert!(!log.contains(PASSWORD));
}
