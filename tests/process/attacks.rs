//! What an attacker can read or delay from outside the program: its files, its log, its shutdown.

use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};
use tests::{Backend, Client, Database, PASSWORD, Server, run};

async fn register(server: &Server) -> tests::Answer {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    server.client().post("/register", &body).await.expect(201)
}

/// Opens a connection and sends bytes.
fn send(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.origin().trim_start_matches("http://")).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

/// The set-up token that a start without an administrator prints.
fn setup_token(log: &str) -> String {
    let (_, rest) = log.split_once("set-up token: ").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_copy_of_the_database_holds_nothing_that_signs_in() {
    let database = Database::create(Backend::Sqlite);
    let server = Server::start(&database, &[]);
    let tokens = register(&server).await;
    let refresh = tokens.field("refresh_token");
    let request = server.client().request(reqwest::Method::POST, "/refresh");
    let request = request
        .header("Idempotency-Key", "an-idempotency-key")
        .json(&json!({ "refresh_token": refresh }));
    let next = server.client().send(request).await.expect(200);
    let created = run(
        &["client", "create", "billing", "--json"],
        &database.environment(),
        "",
    );
    let client: Value = serde_json::from_str(&created.stdout).unwrap();
    let master = fs::read_to_string(database.folder.path().join("master.key")).unwrap();
    let setup = setup_token(&server.log());
    let mut seen = 0;
    for file in ["keyward.db", "keyward.db-wal"] {
        let bytes = fs::read(database.folder.path().join(file)).unwrap();
        seen += usize::from(holds(&bytes, "ada@example.com"));
        for secret in [
            PASSWORD,
            "an-idempotency-key",
            "PRIVATE KEY",
            master.trim(),
            &setup,
            client["client_secret"].as_str().unwrap(),
            &refresh,
            &next.field("refresh_token"),
            &tokens.field("access_token"),
            refresh.rsplit('.').next().unwrap(),
        ] {
            assert!(!holds(&bytes, secret), "{secret} is in {file}");
        }
    }
    assert!(seen > 0, "the address is there: these are the right files");
}

#[tokio::test]
async fn no_header_path_or_body_breaks_a_log_line_or_appears_in_the_log() {
    let database = Database::create(Backend::Sqlite);
    let mut server = Server::start(
        &database,
        &[("KEYWARD__LOG__LEVEL", "trace"), ("KEYWARD__LOG__FORMAT", "json")],
    );
    let tokens = register(&server).await;
    let marks = "made-up \u{9b}31m \u{85}\u{202e} {\"level\":\"ERROR\"} %0d%0a \\n";
    for header in [
        "User-Agent",
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "X-Request-Id",
        "Referer",
        "Origin",
        "Cookie",
        "Idempotency-Key",
        "Authorization",
        "X-Original-URI",
    ] {
        for path in [
            "/api/v1/auth/login",
            "/api/v1/auth/refresh",
            "/made-up%0d%0a%1b%5b31m",
        ] {
            let body = r#"{"email":"made-up\r\n\u001b[31m","password":"made-up\n","made-up\n":"made-up"}"#;
            let head =
                format!("POST {path}?made-up=made-up HTTP/1.1\r\nHost: made-up\r\n{header}: {marks}\r\n");
            let rest = format!(
                "Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut answer = String::new();
            send(&server, format!("{head}{rest}").as_bytes())
                .read_to_string(&mut answer)
                .unwrap();
            assert!(answer.starts_with("HTTP/1.1 4"), "{header} {path}: {answer}");
        }
    }
    let created = run(
        &["client", "create", "billing", "--json"],
        &database.environment(),
        "",
    );
    let client: Value = serde_json::from_str(&created.stdout).unwrap();
    let secret = client["client_secret"].as_str().unwrap();
    let anonymous: Client = server.client();
    let token = tokens.field("access_token");
    let asked = anonymous.request(reqwest::Method::POST, "/introspect");
    let asked = asked
        .basic_auth("billing", Some(secret))
        .form(&[("token", &token)]);
    anonymous.send(asked).await.expect(200);
    let fields = [
        ("token", token.as_str()),
        ("client_id", "billing"),
        ("client_secret", "made-up"),
    ];
    anonymous.form("/introspect", &fields).await.expect(401);
    let fields = [
        ("grant_type", "password"),
        ("username", "ada@example.com"),
        ("password", "made-up"),
    ];
    anonymous.form("/token", &fields).await.expect(400);
    let setup = json!({ "token": "made-up", "email": "x@example.com", "password": PASSWORD });
    anonymous.post("/setup", &setup).await.expect(400);
    let signed_in = anonymous.with_bearer(&token);
    signed_in.get("/sessions/made-up").await.expect(404);
    signed_in.get("/sessions?cursor=made-up").await;

    let log = server.log_to_the_end();
    for line in log.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(record["level"].is_string(), "{line}");
    }
    assert!(!log.contains(|c: char| c.is_control() && c != '\n'));
    for secret in [
        "made-up",
        "ada@example.com",
        "argon2",
        "eyJ",
        PASSWORD,
        secret,
        &token,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(log.contains("`keyward setup-token` prints the token"));
    assert!(!log.contains("set-up token:"), "a program keeps what it reads");
}

/// While the reader of the log is paused, lines that strangers cause wait in a queue of their own.
#[test]
fn malformed_requests_push_no_important_line_out_of_the_log() {
    let database = Database::create(Backend::Sqlite);
    let mut server = Server::start(
        &database,
        &[
            ("KEYWARD__LOG__FORMAT", "json"),
            ("KEYWARD__ROTATION__REUSE_LEEWAY", "0s"),
        ],
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refresh = runtime.block_on(register(&server)).field("refresh_token");
    let paused = server.hold_log();
    // More than both queues, the pipe and one write can hold.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..3_500 {
                    let mut answer = String::new();
                    send(&server, b"GET / HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n")
                        .read_to_string(&mut answer)
                        .unwrap();
                    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
                }
            });
        }
    });
    runtime.block_on(async {
        let body = json!({ "refresh_token": refresh });
        server.client().post("/refresh", &body).await.expect(200);
        server.client().post("/refresh", &body).await.expect(401);
    });
    drop(paused);
    let log = server.log_to_the_end();
    assert!(log.contains("refresh_token_reuse"), "the line is lost");
    assert!(
        log.contains("lines of requests were lost"),
        "nothing was lost: the test floods too little"
    );
}

/// An operator's terminal interprets the escape sequences in what it prints.
#[tokio::test]
async fn no_text_from_a_client_controls_the_operators_terminal() {
    let database = Database::create(Backend::Sqlite);
    let server = Server::start(&database, &[]);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "=1+1" });
    let request = server
        .client()
        .request(reqwest::Method::POST, "/register")
        .header("User-Agent", "=cmd \u{9b}31m \u{85}\u{202e} marked".as_bytes())
        .json(&body);
    server.client().send(request).await.expect(201);
    for arguments in [
        &["session", "list", "ada@example.com"][..],
        &["session", "list", "ada@example.com", "--json"],
        &["user", "list"],
        &["user", "show", "ada@example.com"],
        &["audit", "list"],
        &["audit", "export"],
    ] {
        let printed = run(arguments, &database.environment(), "");
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        assert!(
            !printed
                .stdout
                .contains(|c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)),
            "{arguments:?}: {:?}",
            printed.stdout
        );
    }
    let sessions = run(
        &["session", "list", "ada@example.com"],
        &database.environment(),
        "",
    );
    assert!(sessions.stdout.contains("marked"), "{}", sessions.stdout);
}

#[tokio::test]
async fn the_shutdown_waits_for_no_silent_client() {
    let database = Database::create(Backend::Sqlite);
    let mut server = Server::start(&database, &[("KEYWARD__SERVER__BODY_TIMEOUT", "1s")]);
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let silent = [
        String::new(),
        "GET / HT".to_owned(),
        format!("{head}Content-Length: 100\r\n\r\n{{"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
        "POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
    ];
    let _open = silent.map(|bytes| send(&server, bytes.as_bytes()));
    server.client().get("/health/live").await.expect(200);
    let begun = std::time::Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}
