//! Attacks on the HTTP protocol: requests that two parsers could read differently, and clients that stop sending.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};
use tests::{Backend, Builder, TestApp};

/// Far longer than any answer takes. A read that lasts this long never got one.
const PATIENCE: Duration = Duration::from_secs(30);
const LOGIN: &str = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
const NEXT: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
const BODY: &str = r#"{"email":"a@example.com","password":"x"}"#;

/// Sends bytes and reads until the server ends the connection; the statuses of the answers, in order.
async fn statuses(app: &TestApp, request: impl Into<Vec<u8>>) -> Vec<u16> {
    let (address, request) = (app.origin().replace("http://", ""), request.into());
    let heard = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server may have answered and closed the connection before everything was sent.
        let _ = stream.write_all(&request);
        let mut heard = Vec::new();
        match stream.read_to_end(&mut heard) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("left open: {error}"),
            _ => heard,
        }
    });
    let heard = heard.await.unwrap();
    let text = String::from_utf8_lossy(&heard).into_owned();
    // The status line of an answer follows the previous body without a line break.
    let answers = text.split("HTTP/1.").skip(1);
    answers.map(|answer| answer[2..5].parse().unwrap()).collect()
}

async fn app() -> TestApp {
    Builder::new(Backend::Sqlite)
        .set("server.header_timeout", "1s")
        .set("server.body_timeout", "1s")
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read() {
    let app = app().await;
    let length = BODY.len();
    let chunked = "Transfer-Encoding: chunked\r\n";
    let framings = [
        format!("Content-Length: 6\r\n{chunked}\r\n0\r\n\r\n"),
        format!("{chunked}Content-Length: {length}\r\n\r\n{BODY}"),
        format!("Content-Length: {length}\r\nContent-Length: 5\r\n\r\n{BODY}"),
        format!("Content-Length: {length}, {length}\r\n\r\n{BODY}"),
        format!("Content-Length: +{length}\r\n\r\n{BODY}"),
        "Content-Length: -1\r\n\r\n".to_owned(),
        "Content-Length: 0x28\r\n\r\n".to_owned(),
        "Content-Length: 99999999999999999999999\r\n\r\n".to_owned(),
        format!("Content-Length : {length}\r\n\r\n{BODY}"),
        format!("X-A: b\r\n c\r\nContent-Length: {length}\r\n\r\n{BODY}"),
        format!("X-A: b\rX-B: c\r\nContent-Length: {length}\r\n\r\n{BODY}"),
        format!("X-A: b\0c\r\nContent-Length: {length}\r\n\r\n{BODY}"),
        format!("{chunked}\r\nFFFFFFFFFFFFFFFFFF\r\n{{}}\r\n0\r\n\r\n"),
        format!("{chunked}\r\n10000000000000002\r\n{{}}\r\n0\r\n\r\n"),
        format!("{chunked}\r\n-2\r\n{{}}\r\n0\r\n\r\n"),
        format!("{chunked}\r\n2\n{{}}\r\n0\r\n\r\n"),
        format!("{chunked}\r\n2;a\nxx\r\n{{}}\r\n0\r\n\r\n"),
        format!("{chunked}\r\n2\r\n{{}}X0\r\n\r\n"),
        format!("{chunked}{chunked}\r\n2\r\n{{}}\r\n0\r\n\r\n"),
        "Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_owned(),
        format!("Transfer-Encoding: xchunked\r\nContent-Length: {length}\r\n\r\n{BODY}"),
    ];
    for framing in framings {
        assert_eq!(
            statuses(&app, format!("{LOGIN}{framing}{NEXT}")).await,
            [400],
            "{framing:?}"
        );
    }
    let old = LOGIN.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(
        statuses(&app, format!("{old}{chunked}\r\n2\r\n{{}}\r\n0\r\n\r\n{NEXT}")).await,
        [400]
    );
    for heads in [
        "GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /health/live HTTP/1.1\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /health/live\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        assert_eq!(statuses(&app, heads).await, [400], "{heads:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_no_route_wants_is_never_read_as_a_request() {
    let app = app().await;
    let length = NEXT.len();
    for (head, status) in [
        ("POST /nothing HTTP/1.1\r\n", 404),
        ("PUT /api/v1/auth/login HTTP/1.1\r\n", 405),
        (
            "POST /api/v1/auth/login HTTP/1.1\r\nContent-Type: text/plain\r\n",
            415,
        ),
        ("GET /health/live HTTP/1.1\r\n", 200),
        ("GET /api/v1/auth/verify HTTP/1.1\r\n", 401),
    ] {
        let request = format!("{head}Host: x\r\nContent-Length: {length}\r\n\r\n{NEXT}");
        assert_eq!(statuses(&app, request).await, [status], "{head:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_half_a_request_is_not_waited_for() {
    let app = app().await;
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let halves = [
        (String::new(), vec![408]),
        ("GET /health/live HT".to_owned(), vec![408]),
        ("GET /health/live HTTP/1.1\r\nHost: x\r\n".to_owned(), vec![408]),
        (format!("{LOGIN}Content-Length: 100\r\n\r\n{{"), vec![408]),
        (format!("{LOGIN}{chunked}"), vec![408]),
        (format!("{LOGIN}{chunked}5\r\nab"), vec![408]),
        (format!("{LOGIN}Content-Length: 10000000\r\n\r\nabc"), vec![413]),
        (
            "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".to_owned(),
            vec![404],
        ),
        (
            format!("POST /nothing HTTP/1.1\r\nHost: x\r\n{chunked}5\r\nab"),
            vec![404],
        ),
        (
            format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{chunked}"),
            vec![200],
        ),
        (
            format!("GET /api/v1/auth/verify HTTP/1.1\r\nHost: x\r\n{chunked}"),
            vec![401],
        ),
    ];
    let all = halves.iter().map(|(half, _)| statuses(&app, half.clone()));
    let answers = futures::future::join_all(all).await;
    for ((half, expected), answer) in halves.iter().zip(answers) {
        assert_eq!(answer, *expected, "{half:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_requests_are_answered_one_after_another_on_one_connection() {
    let app = app().await;
    let chunked = format!(
        "{LOGIN}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{BODY}\r\n0\r\n\r\n",
        BODY.len()
    );
    let plain = format!("{LOGIN}Content-Length: {}\r\n\r\n{BODY}", BODY.len());
    let last = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answers = statuses(&app, format!("{NEXT}{chunked}{plain}{NEXT}{chunked}{last}")).await;
    assert_eq!(answers, [200, 401, 401, 200, 401, 200]);
    assert_eq!(statuses(&app, "GET /health/live HTTP/1.0\r\n\r\n").await, [200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_headers_are_refused_and_a_giant_token_is_no_token() {
    let app = app().await;
    let many: String = (0..101).map(|number| format!("X-{number}: a\r\n")).collect();
    assert_eq!(
        statuses(
            &app,
            format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{many}\r\n")
        )
        .await,
        [431]
    );
    for filler in ["a", "."] {
        let token = filler.repeat(100_000);
        let request = format!(
            "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        assert_eq!(statuses(&app, request).await, [401]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_routes_are_not_on_the_public_listener() {
    let app = app().await;
    for path in [
        "/metrics",
        "/version",
        "//metrics",
        "/metrics/",
        "/%6detrics",
        "/./metrics",
        "/health/../metrics",
        "/api/v1/auth/metrics",
        "http://127.0.0.1:9100/metrics",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:9100\r\nConnection: close\r\n\r\n");
        assert_eq!(statuses(&app, request).await, [404], "{path}");
    }
}
