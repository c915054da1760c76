//! Good days and bad days of the mail server: each mail arrives once, none is lost, nobody waits for it, and the log keeps its
//! secrets.

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

/// How many mails a node takes up at a time.
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
    cluster.all_are_carried().await;

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
    cluster.all_are_carried().await;
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

/// The server answers late, so that a kill often falls between its acceptance and the note of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stdout,
    reason = "kept back, and shown where the test fails or is asked to"
)]
async fn nodes_that_are_killed_lose_no_mail_and_send_few_twice() {
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
    cluster.all_are_carried().await;

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
    cluster.all_are_carried().await;
    cluster.close();
}

/// A day on which the mail server does this to the first mails, and how often each of them may have arrived.
async fn a_bad_day(what: &'static str, at_most: usize) {
    // All that is said aloud must be discreet, at the level that says most.
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
    cluster.all_are_carried().await;
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
async fn what_the_mail_server_puts_off_or_breaks_off_arrives_later() {
    let days = [
        ("defer-recipient", 1),
        ("defer-message", 1),
        ("hang-at-connect", 1),
        ("hang-after-data", 1),
        ("close-at-connect", 1),
        ("drop-after-data", 2),
    ];
    let days = days.map(|(what, at_most)| tokio::spawn(a_bad_day(what, at_most)));
    for day in join_all(days).await {
        day.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_outlast_a_mail_server_that_is_down_and_a_restart_meanwhile() {
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
    cluster.all_are_carried().await;
    let mails = cluster.mail.mails();
    assert_eq!((mails.len(), mails_by_purpose(&mails).len()), (5, 5));
    cluster.links_work(&mails).await;
    cluster.close();
}

/// One address that the server refuses for good, or hangs on each time: the others don't notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_poisoned_mail_blocks_nobody() {
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
            // What is said of a message may be the set-up's fault: that mail waits.
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

/// docs/rules.md §8: a mail is sent twice only after a kill. Here the database takes no note of it for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_sent_while_the_database_took_no_note_of_it_arrives_once() {
    let cluster = Cluster::open(Backend::Sqlite, 1, &[], &[("MAIL__TIMEOUT", "20s")]);
    cluster.database.sql(
        "CREATE TRIGGER no_note BEFORE UPDATE ON outbox WHEN NEW.outcome = 'sent' \
         BEGIN SELECT RAISE(ABORT, 'not now'); END",
    );
    cluster::register(&cluster.client(0), "ada@example.com").await;
    until("the note fails", || {
        cluster.nodes[0].log().contains("could not be written down")
    })
    .await;
    assert_eq!(cluster.mail.count(), 1);
    cluster.database.sql("DROP TRIGGER no_note");
    cluster.all_are_carried().await;
    let mails = cluster.mail.mails();
    assert_eq!(mails.len(), 1);
    cluster.links_work(&mails).await;
    cluster.close();
}

/// A server with the usual rules refuses the bare name of a host at RCPT. Nothing of that is lost, the operator
/// learns of it, and the addresses that the server quotes stand nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_that_the_set_up_keeps_from_leaving_wait_and_leave_once_it_is_right() {
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
    until("every mail was tried", || cluster.troubled().len() == 3).await;
    assert_eq!(cluster.status(), (3, 0));
    for mail in cluster.troubled() {
        assert!(
            mail["state"] == "waiting" && mail["kind"] == "email_verification",
            "{mail}"
        );
        let why = mail["why"].as_str().unwrap();
        assert!(why.contains("504 5.5.2 … Helo command rejected"), "{why}");
    }

    // Another server finds fault with the recipients: these are given up, and are there all the same.
    cluster.mail.start_again(&refuse("550 5.1.1 <ADDRESS>: rejected"));
    cluster.retry(&["--all"]);
    until("all are given up", || cluster.status() == (0, 3)).await;
    let given_up = cluster.troubled();
    assert!(
        given_up.iter().all(|mail| mail["state"] == "given_up"),
        "{given_up:?}"
    );

    cluster.mail.start_again(&[]);
    let first = given_up[0]["id"].as_str().unwrap().to_owned();
    assert!(cluster.retry(&[&first]).contains("tried again: 1"));
    until("the one arrives", || cluster.mail.count() == 1).await;
    assert!(cluster.retry(&["--all"]).contains("tried again: 2"));
    cluster.all_are_carried().await;
    let mails = cluster.mail.mails();
    assert_eq!((mails.len(), mails_by_purpose(&mails).len()), (3, 3));
    assert_eq!(cluster.troubled(), [""; 0]);
    cluster.links_work(&mails).await;

    let log = cluster.nodes[0].log();
    assert!(log.contains("the mail server refuses this set-up"), "{log}");
    assert!(log.contains("504 5.5.2") && log.contains("550 5.1.1"), "{log}");
    assert!(!log.contains("ada0@") && !log.contains("ada2@"), "{log}");
    cluster.close();
}

/// Without the hint the account opens, each mail is given up, and no page says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_the_mail_server_can_not_name_is_known_to_be_out_of_reach() {
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
    let told = register("josé@example.com").await;
    assert!(
        told != usual && told.contains("no mail can reach this one"),
        "{told}"
    );
    until("the other is given up", || cluster.status() == (0, 1)).await;
    assert!(
        cluster.troubled()[0]["why"]
            .as_str()
            .unwrap()
            .contains("SMTPUTF8")
    );
    // A known address is answered as a new one is.
    assert_eq!(register("josé@example.com").await, told);
    assert_eq!(register("ada@example.com").await, usual);
    cluster.close();
}

/// A delivery takes as long as `mail.timeout` says here, half a minute; no answer does.
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
    // The machine may be busy; a mail would have taken far longer.
    assert!(slowest < Duration::from_secs(10), "{what}: {took:?}");
    assert_eq!(cluster.mail.count(), 0);
    cluster.mail.stop();
    cluster.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_do_not_wait_for_a_mail_server_that_hangs() {
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
async fn links_are_printed_where_that_was_asked_for_and_passwords_never() {
    let mut cluster = Cluster::open(Backend::Sqlite, 1, &[], &[("MAIL__PRINT_LINKS", "true")]);
    let client = cluster.client(0);
    cluster::register(&client, "ada@example.com").await;
    cluster::forgot(&client, "ada@example.com").await;
    cluster.all_are_carried().await;
    let mails = cluster.mail.mails();
    assert_eq!(mails.len(), 2);
    let log = cluster.nodes[0].log_to_the_end();
    for token in mails.iter().flat_map(tests::Received::tokens) {
        assert!(log.contains(&format!("?token={token}")), "{log}");
    }
    assert!(!log.contains(PASSWORD));
}
