//! What is parsed of a request before its route: the token, the client's address and the request id. A header never lets a caller pose as
//! another one, and only plain values reach the log unchanged.
//!
//! The input is the query string in the first line, followed by header lines of `name: value`.

use actix_web::{
    http::header::{AUTHORIZATION, HeaderName, HeaderValue},
    test::TestRequest,
};
use auth_api::http::{
    bearer, body, client_address,
    idempotency::IdempotencyHeader,
    request_id::{RequestId, X_REQUEST_ID},
};
use std::net::IpAddr;

const NAMES: [&str; 8] = [
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "idempotency-key",
    "transfer-encoding",
    "x-forwarded-for",
    "x-request-id",
];
/// An address that a client behind a proxy claims to have.
const FORGED: &str = "198.51.100.66";

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let query = crate::text(lines.next().unwrap_or_default());
    let plain: String = query.chars().filter(char::is_ascii_graphic).collect();
    let mut request = TestRequest::get().uri(&format!(
        "/me?{}",
        plain.replace(['#', '"', '<', '>', '\\', '^', '`', '{', '|', '}'], "")
    ));
    for line in lines.take(16) {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(at);
        let known = NAMES
            .into_iter()
            .find(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        let value = HeaderValue::from_bytes(value.strip_prefix(b":").unwrap_or_default().trim_ascii());
        if let (Some(name), Ok(value)) = (known, value) {
            request = request.append_header((HeaderName::from_static(name), value));
        }
    }
    let request = request.to_http_request();
    let headers = request.headers();

    let name = RequestId::of(headers);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~=+:/".contains(&b);
    assert!(
        (1..=128).contains(&name.as_str().len()) && name.as_str().bytes().all(plain),
        "{name}"
    );
    if let Some(given) = headers.get(X_REQUEST_ID).map(HeaderValue::as_bytes) {
        let is_sane = (1..=128).contains(&given.len()) && given.iter().all(|b| plain(*b));
        assert_eq!(
            name.as_str().as_bytes() == given,
            is_sane,
            "a plain request id is kept, any other is not"
        );
    }

    match bearer::token_of(&request) {
        Ok(token) => {
            let sent: Vec<&[u8]> = headers
                .get_all(AUTHORIZATION)
                .map(HeaderValue::as_bytes)
                .collect();
            assert_eq!(sent.len(), 1, "one header");
            assert!(!token.is_empty() && token.len() <= 8 * 1024 && token.is_ascii());
            assert!(sent.iter().all(|value| value.ends_with(token.as_bytes())));
            assert!(
                !query.contains("access_token="),
                "a token in two places is refused"
            );
        }
        Err(problem) => assert!([400, 401].contains(&problem.code().status())),
    }

    let key = IdempotencyHeader::of(&request);
    assert_eq!(key.is_some(), headers.contains_key("idempotency-key"));
    if headers.get_all("idempotency-key").count() > 1 {
        assert_eq!(key.as_deref(), Some(""), "two keys count as an empty one");
    }
    let json = body::is_of_type(&request, "application/json");
    assert!(
        !json || !body::is_of_type(&request, "application/x-www-form-urlencoded"),
        "one type"
    );

    check_address(request);
}

fn check_address(request: actix_web::HttpRequest) {
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().expect("a network"));
    let peer = |text: &str| text.parse::<IpAddr>().expect("an address");
    let mut headers = request.headers().clone();
    let stranger = peer("203.0.113.9");
    assert_eq!(
        client_address::behind(stranger, &headers, &trusted),
        stranger,
        "a direct client's headers are ignored"
    );
    let client = client_address::behind(peer("10.0.0.1"), &headers, &trusted);
    assert_eq!(client, client.to_canonical(), "one spelling");
    if client_address::is_trusted(client, &trusted) {
        return;
    }
    // A client behind a trusted proxy can't replace its address: the values that it sends itself are to the left of the proxy's.
    let lines: Vec<HeaderValue> = headers.get_all("x-forwarded-for").cloned().collect();
    headers.remove("x-forwarded-for");
    for forged in std::iter::once(HeaderValue::from_static(FORGED)).chain(lines) {
        headers.append(HeaderName::from_static("x-forwarded-for"), forged);
    }
    assert_eq!(
        client_address::behind(peer("10.0.0.1"), &headers, &trusted),
        client,
        "a forged address was accepted"
    );
}
