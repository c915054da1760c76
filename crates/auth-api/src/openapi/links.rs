//! What can be done with an answer: the links of the document (OpenAPI 3.1 §4.8.20), for people who read it, and for fuzzers
//! that call one operation after another.
//!
//! The rule: a link hands on what an answer gave (a token, an id, a cursor) and nothing that the caller has to make up.
//!
//! A body is the text of its JSON, with expressions in it. OAS 3.1 allows an object there, but openapi-generator refuses a
//! document with anything but a text.

use serde_json::{Value, json};
use utoipa::openapi::link::Link;

/// Where an answer carries its tokens.
const ACCESS: &str = "$response.body#/access_token";
const REFRESH: &str = "$response.body#/refresh_token";

/// The links of an operation's good answer, by name.
pub(super) fn of(operation: &str) -> Vec<(&'static str, Link)> {
    match operation {
        "register" => [with_tokens(), vec![sign_in_again()]].concat(),
        "login" | "refresh" | "setup" => with_tokens(),
        "token" => [with_tokens(), with_oauth_tokens()].concat(),
        "listSessions" => vec![
            (
                "show",
                session("showSession", "$response.body#/items/0/id", "The newest of them."),
            ),
            (
                "end",
                session(
                    "endSession",
                    "$response.body#/items/0/id",
                    "Ends the newest of them.",
                ),
            ),
            ("next", next_page()),
        ],
        "showSession" => vec![("end", session("endSession", "$request.path.id", "Ends it."))],
        "endSession" => vec![(
            "show",
            session(
                "showSession",
                "$request.path.id",
                "It is still there, and says when and why it ended.",
            ),
        )],
        _ => vec![],
    }
}

/// What a pair of tokens is good for.
fn with_tokens() -> Vec<(&'static str, Link)> {
    let body = json!({ "refresh_token": REFRESH });
    vec![
        ("me", signed_in("me", "Who it is.")),
        (
            "sessions",
            signed_in("listSessions", "The sessions, this one among them."),
        ),
        ("verify", signed_in("verify", "Whether the access token is good.")),
        ("logout", signed_in("logout", "Ends the session.")),
        ("logoutAll", signed_in("logoutAll", "Ends every session.")),
        ("refresh", carrying("refresh", body.clone(), "The next pair.")),
        (
            "logoutByRefreshToken",
            carrying("logout", body, "Ends the session without an access token."),
        ),
    ]
}

/// What else the OAuth routes take.
fn with_oauth_tokens() -> Vec<(&'static str, Link)> {
    let grant = json!({ "grant_type": "refresh_token", "refresh_token": REFRESH });
    vec![
        ("token", carrying("token", grant, "The next pair.")),
        (
            "introspect",
            carrying(
                "introspect",
                json!({ "token": ACCESS }),
                "What the access token is.",
            ),
        ),
        (
            "revoke",
            carrying(
                "revoke",
                json!({ "token": REFRESH }),
                "Gives the refresh token back.",
            ),
        ),
    ]
}

fn sign_in_again() -> (&'static str, Link) {
    let body = json!({ "email": "$request.body#/email", "password": "$request.body#/password" });
    (
        "login",
        carrying("login", body, "Another session of the new account."),
    )
}

fn signed_in(operation: &str, says: &str) -> Link {
    Link::builder()
        .operation_id(operation)
        .parameter("header.Authorization", format!("Bearer {{{ACCESS}}}"))
        .description(says)
        .build()
}

fn carrying(operation: &str, body: Value, says: &str) -> Link {
    Link::builder()
        .operation_id(operation)
        .request_body(Some(Value::String(body.to_string())))
        .description(says)
        .build()
}

fn session(operation: &str, id: &str, says: &str) -> Link {
    Link::builder()
        .operation_id(operation)
        .parameter("path.id", id)
        .description(says)
        .build()
}

fn next_page() -> Link {
    Link::builder()
        .operation_id("listSessions")
        .parameter("query.cursor", "$response.body#/next_cursor")
        .description("The next page.")
        .build()
}
