//! Two processes on one SQLite file. The rule: what holds between threads holds between processes.

use crate::{
    builders::{anonymous, at, policy, token},
    fixture::{all, block_on, on_sqlite},
    settled::Settle as _,
};
use auth_domain::{ids::SessionId, rotation::Decision};
use auth_storage::{DatabaseConfig, Storage};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

const RIVAL: &str = "KEYWARD_TEST_RIVAL_OF";

/// How many of the sessions this process rotated.
async fn rotate_each(db: &Storage, sessions: &[SessionId]) -> usize {
    let tries = sessions.iter().flat_map(|id| [*id; 4]).map(|id| {
        let db = db.clone();
        tokio::spawn(async move {
            let rotated = db
                .rotate(id, token(0), policy(), false, anonymous(at(60)))
                .await
                .unwrap()
                .settled()
                .await
                .unwrap();
            matches!(rotated.decision, Decision::Rotate { .. })
        })
    });
    all(tries).await.into_iter().filter(|won| *won).count()
}

#[test]
fn of_two_processes_that_present_one_token_one_rotates_it() {
    on_sqlite(async |fixture| {
        let (user, first) = fixture.signed_in("a@example.com").await;
        let mut sessions = vec![first.id];
        for n in 1..50 {
            sessions.push(fixture.sign_in(&user, at(n)).await.id);
        }
        let mut rival = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::the_rival", "--ignored", "--nocapture"])
            .env(RIVAL, fixture.file())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(rival.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        assert!(said.any(|line| line.ends_with("ready")));
        let ids: Vec<String> = sessions.iter().map(SessionId::to_string).collect();
        writeln!(rival.stdin.take().unwrap(), "{}", ids.join(" ")).unwrap();
        let won = rotate_each(&fixture.db, &sessions).await;
        let lost: usize = said
            .find_map(|line| line.strip_prefix("won ").map(|n| n.parse().unwrap()))
            .unwrap();
        assert!(rival.wait().unwrap().success());
        assert_eq!(won + lost, sessions.len(), "{won} here, {lost} there");
        assert_eq!(
            fixture.number("SELECT count(*) AS n FROM sessions WHERE rotation = 1"),
            50
        );
    });
}

/// The other process of the test above.
#[test]
#[ignore = "started by another test, as its rival"]
fn the_rival() {
    let file = std::env::var(RIVAL).unwrap();
    block_on(async {
        let db = Storage::open(&DatabaseConfig {
            url: format!("sqlite://{file}").into(),
            ..DatabaseConfig::default()
        })
        .await
        .unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nready").unwrap();
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        let sessions: Vec<SessionId> = line.split_whitespace().map(|id| id.parse().unwrap()).collect();
        writeln!(out, "won {}", rotate_each(&db, &sessions).await).unwrap();
    });
}
