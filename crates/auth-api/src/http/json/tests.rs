//! What is read, and every way in which it is refused.

use super::*;
use actix_web::{http::header::CONTENT_TYPE, test::TestRequest};

#[derive(Debug, Validate, PartialEq)]
struct Greeting {
    #[validate(length(max = 5, code = "too_long", message = "At most 5 characters."))]
    word: String,
    name: Option<String>,
}

impl FromMembers for Greeting {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (word, name) = (members.text("word"), members.optional_text("name"));
        Some(Self {
            word: word?,
            name: name?,
        })
    }
}

fn refused(body: &str) -> (u16, &'static str, Vec<(String, String)>) {
    refused_bytes(body.as_bytes())
}

fn refused_bytes(body: &[u8]) -> (u16, &'static str, Vec<(String, String)>) {
    let problem = parse::<Greeting>(body).unwrap_err();
    let errors = problem
        .errors()
        .iter()
        .map(|error| (error.field.clone(), error.code.to_string()))
        .collect();
    (problem.code().status(), problem.code().as_str(), errors)
}

fn fault(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

#[test]
fn an_object_of_known_fields_is_read() {
    let read = parse::<Greeting>(br#" {"name": null, "word": "h\u00e9"} "#).unwrap();
    assert_eq!(
        read,
        Greeting {
            word: "hé".into(),
            name: None
        }
    );
    assert_eq!(
        parse::<Greeting>(br#"{"word":"a","name":"b"}"#)
            .unwrap()
            .name
            .unwrap(),
        "b"
    );
}

#[test]
fn what_is_no_json_is_400() {
    for bad in [
        "",
        "  ",
        "{",
        "{\"word\":}",
        "{'word':'a'}",
        "{\"word\":\"a\"} x",
        "{\"word\":\"a\"}{}",
        "\u{feff}{}",
        "{\"word\":\"\\ud800\"}",
        "{\"word\":1e999}",
        "nul",
    ] {
        assert_eq!(refused(bad), (400, "malformed_json", vec![]), "{bad:?}");
    }
    assert_eq!(
        refused_bytes(b"{\"word\":\"\xff\"}"),
        (400, "malformed_json", vec![])
    );
    let deep = format!("{{\"word\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(refused(&deep), (400, "malformed_json", vec![]));
}

#[test]
fn what_is_no_object_is_422() {
    for bad in [
        "[]",
        "[\"a\", null]",
        "null",
        "true",
        "1",
        "-1",
        "1.5",
        "\"word\"",
    ] {
        assert_eq!(
            refused(bad),
            (422, "invalid_input", vec![fault("", "wrong_type")]),
            "{bad}"
        );
    }
}

#[test]
fn every_fault_is_named_at_once() {
    assert_eq!(
        refused("{}"),
        (422, "invalid_input", vec![fault("word", "missing")])
    );
    let several = refused(r#"{"word":["a"],"name":7,"role":"admin"}"#);
    let expected = vec![
        fault("word", "wrong_type"),
        fault("name", "wrong_type"),
        fault("role", "unknown_field"),
    ];
    assert_eq!(several, (422, "unknown_field", expected));
    assert_eq!(
        refused(r#"{"word":"toolong"}"#),
        (422, "invalid_input", vec![fault("word", "too_long")])
    );
    assert_eq!(
        refused(r#"{"word":"a","word":"b"}"#),
        (422, "invalid_input", vec![fault("word", "duplicate_field")])
    );
    assert_eq!(
        refused(r#"{"word":null}"#),
        (422, "invalid_input", vec![fault("word", "wrong_type")])
    );
}

#[test]
fn a_flood_of_unknown_fields_gets_a_short_answer() {
    let many: Vec<String> = (0..1_000).map(|n| format!("\"f{n}\":1")).collect();
    let (_, code, errors) = refused(&format!("{{\"word\":\"a\",{}}}", many.join(",")));
    assert_eq!((code, errors.len()), ("unknown_field", 16));
}

#[test]
fn no_word_of_the_parser_leaks() {
    let problem = parse::<Greeting>(b"{\"word\": nope}").unwrap_err();
    let shown = format!("{problem:?}");
    assert!(shown.contains("line 1, column"), "{shown}");
    assert!(!shown.contains("expected"), "{shown}");
}

#[actix_web::test]
async fn only_application_json_is_read() {
    let (request, mut payload) = TestRequest::post()
        .insert_header((CONTENT_TYPE, "text/plain"))
        .set_payload(r#"{"word":"a"}"#)
        .to_http_parts();
    let problem = Json::<Greeting>::from_request(&request, &mut payload)
        .await
        .unwrap_err();
    assert_eq!(problem.code(), Code::UnsupportedMediaType);
    let (request, mut payload) = TestRequest::post()
        .set_json(serde_json::json!({"word": "a"}))
        .to_http_parts();
    assert_eq!(
        Json::<Greeting>::from_request(&request, &mut payload)
            .await
            .unwrap()
            .0
            .word,
        "a"
    );
    let (request, mut payload) = TestRequest::post().to_http_parts();
    assert!(
        OptionalJson::<Greeting>::from_request(&request, &mut payload)
            .await
            .unwrap()
            .0
            .is_none()
    );
}
