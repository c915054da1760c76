//! One node on SQLite.

use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};
use tests::{Backend, Database, PASSWORD, Server, eventually, run};

fn database() -> Database {
    Database::create(Backend::Sqlite)
}

async fn register(server: &Server, email: &str) -> tests::Answer {
    server
        .client()
        .post("/register", &json!({ "email": email, "password": PASSWORD }))
        .await
        .expect(201)
}

#[tokio::test]
async fn a_start_creates_everything_it_needs_readable_by_its_owner_only() {
    let database = database();
    let server = Server::start(&database, &[]);
    let _ = register(&server, "ada@example.com").await;
    for file in ["keyward.db", "master.key"] {
        let mode = fs::metadata(database.folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file} is readable by others");
    }
}

#[tokio::test]
async fn a_start_on_loopback_says_that_limits_are_on_and_how_to_turn_them_off() {
    for (enabled, said) in [("true", true), ("false", false)] {
        let database = database();
        let mut server = Server::start(&database, &[("KEYWARD__LIMITS__ENABLED", enabled)]);
        let log = server.log_to_the_end();
        assert_eq!(log.contains("KEYWARD__LIMITS__ENABLED=false"), said, "{log}");
    }
}

#[tokio::test]
async fn acknowledged_changes_survive_a_kill() {
    let database = database();
    let mut server = Server::start(&database, &[]);
    for round in 0..3 {
        let tokens = register(&server, &format!("ada{round}@example.com")).await;
        let refreshed = server
            .client()
            .post(
                "/refresh",
                &json!({ "refresh_token": tokens.field("refresh_token") }),
            )
            .await
            .expect(200);
        let revoked = register(&server, &format!("bob{round}@example.com"))
            .await
            .field("access_token");
        server
            .client()
            .with_bearer(&revoked)
            .post_nothing("/logout")
            .await
            .expect(200);
        server.kill();
        server = Server::start(&database, &[]);
        let used = server
            .client()
            .post(
                "/refresh",
                &json!({ "refresh_token": tokens.field("refresh_token") }),
            )
            .await
            .expect(401);
        assert!(["token_already_used", "token_revoked"].contains(&used.code().as_str()));
        let dead = server.client().with_bearer(&revoked).get("/me").await.expect(401);
        assert_eq!(dead.code(), "token_revoked");
        server
            .client()
            .post(
                "/refresh",
                &json!({ "refresh_token": refreshed.field("refresh_token") }),
            )
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_graceful_shutdown_finishes_requests_and_exits_with_0() {
    let database = database();
    let mut server = Server::start(&database, &[]);
    let _ = register(&server, "ada@example.com").await;
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_refused_and_operator_commands_are_not() {
    let database = database();
    let server = Server::start(&database, &[]);
    let second = run(&["serve", "--bind", "127.0.0.1:0"], &database.environment(), "");
    assert_eq!(second.code, 1, "{}", second.stderr);
    let email = "ops@example.com";
    let created = run(
        &["user", "create", email, "--role", "admin", "--password-stdin"],
        &database.environment(),
        PASSWORD,
    );
    assert_eq!(created.code, 0, "{}", created.stderr);
    let answer = server
        .client()
        .post("/login", &json!({ "email": email, "password": PASSWORD }))
        .await
        .expect(200);
    assert_eq!(answer.json()["user"]["role"], "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_an_operator_command_ends_are_refused_within_seconds() {
    let database = database();
    let server = Server::start(&database, &[]);
    let tokens = register(&server, "ada@example.com").await;
    let client = server.client().with_bearer(&tokens.field("access_token"));
    client.get("/me").await.expect(200);
    let disabled = run(
        &["user", "disable", "ada@example.com"],
        &database.environment(),
        "",
    );
    assert_eq!(disabled.code, 0, "{}", disabled.stderr);
    let runtime = tokio::runtime::Handle::current();
    let begun = std::time::Instant::now();
    tokio::task::spawn_blocking(move || {
        eventually("the token is refused", || {
            runtime.block_on(client.get("/verify")).status == 401
        });
    })
    .await
    .unwrap();
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let refused = server
        .client()
        .post(
            "/login",
            &json!({ "email": "ada@example.com", "password": PASSWORD }),
        )
        .await;
    assert_eq!(refused.expect(401).code(), "invalid_credentials");
}

#[tokio::test]
async fn the_wrong_master_key_is_named() {
    let database = database();
    let mut server = Server::start(&database, &[]);
    server.kill();
    let mut environment = database.environment();
    environment.push((
        "KEYWARD_MASTER_KEY".to_owned(),
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
    ));
    let refused = run(&["serve", "--bind", "127.0.0.1:0"], &environment, "");
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("master key"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("AAAA"), "{}", refused.stderr);
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let database = database();
    let mut server = Server::start(
        &database,
        &[("KEYWARD__LOG__LEVEL", "trace"), ("KEYWARD__LOG__FORMAT", "json")],
    );
    let tokens = register(&server, "ada@example.com").await;
    let client = server.client().with_bearer(&tokens.field("access_token"));
    let _ = client.get("/me?access_token=query-secret").await;
    let _ = server
        .client()
        .post(
            "/login",
            &json!({ "email": "ada@example.com", "password": "wrong-password-in-log" }),
        )
        .await;
    let refreshed = server
        .client()
        .post(
            "/refresh",
            &json!({ "refresh_token": tokens.field("refresh_token") }),
        )
        .await
        .expect(200);
    let request = server
        .client()
        .request(reqwest::Method::GET, "/health")
        .header("User-Agent", "a\u{1b}[31mred");
    if let Ok(request) = request.build() {
        let _ = reqwest::Client::new().execute(request).await;
    }
    client.post_nothing("/logout").await.expect(200);
    let log = server.log_to_the_end();
    let last = log.lines().rfind(|line| line.contains("\"status\":")).unwrap();
    assert!(last.contains("/logout"), "the last line is written, too: {last}");
    let master = fs::read_to_string(database.folder.path().join("master.key")).unwrap();
    for secret in [
        PASSWORD,
        "wrong-password-in-log",
        "query-secret",
        "$argon2",
        master.trim(),
        &tokens.field("access_token"),
        &tokens.field("refresh_token"),
        &refreshed.field("refresh_token"),
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(!log.contains('\u{1b}'));
}

#[tokio::test]
async fn imported_users_of_other_services_sign_in_and_get_todays_hash() {
    let database = database();
    let server = Server::start(&database, &[]);
    // Made with Python's bcrypt, hashlib and passlib over the password below.
    let password = "hunter2 but longer";
    let lines = include_str!("foreign_users.csv");
    let file = database.folder.path().join("users.csv");
    fs::write(&file, lines).unwrap();
    let imported = run(
        &["user", "import", file.to_str().unwrap()],
        &database.environment(),
        "",
    );
    assert_eq!(imported.code, 0, "{}{}", imported.stdout, imported.stderr);
    let emails: Vec<&str> = lines
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert!(emails.len() >= 4);
    for email in emails {
        for _ in 0..2 {
            server
                .client()
                .post("/login", &json!({ "email": email, "password": password }))
                .await
                .expect(200);
        }
        let wrong = server
            .client()
            .post(
                "/login",
                &json!({ "email": email, "password": "hunter2 but wrong" }),
            )
            .await;
        wrong.expect(401);
    }
}

/// Writes fail and reads do not: the process may no longer write to any file, as on a full disk.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_writes_fail_is_not_ready_until_they_succeed_again() {
    let database = database();
    let server = Server::start(&database, &[]);
    let access = register(&server, "ada@example.com").await.field("access_token");
    let may_write = |limit: &str| {
        let (pid, size) = (format!("--pid={}", server.pid()), format!("--fsize={limit}:"));
        let set = std::process::Command::new("prlimit").args([pid, size]).status();
        assert!(set.unwrap().success());
    };
    let runtime = tokio::runtime::Handle::current();
    for round in 0..2 {
        server.client().get("/health/ready").await.expect(200);
        may_write("1");
        let (client, asks) = (server.client(), runtime.clone());
        // Also if nothing else is written meanwhile.
        let body = json!({ "email": "bob@example.com", "password": PASSWORD });
        if round == 0 {
            client.post("/register", &body).await.expect(503);
        }
        let report = tokio::task::spawn_blocking(move || {
            let mut report = String::new();
            eventually("the server is not ready", || {
                let answer = asks.block_on(client.get("/health/ready"));
                report = answer.text;
                answer.status == 503
            });
            report
        });
        let report = report.await.unwrap();
        assert!(report.contains(r#""database":"failed""#), "{report}");
        assert!(report.contains(r#""blacklist":"ok""#), "{report}");
        server.client().with_bearer(&access).get("/me").await.expect(200);
        may_write("unlimited");
        let (client, asks) = (server.client(), runtime.clone());
        tokio::task::spawn_blocking(move || {
            eventually("the server is ready again", || {
                asks.block_on(client.get("/health/ready")).status == 200
            });
        })
        .await
        .unwrap();
    }
    let _ = register(&server, "carol@example.com").await;
}
