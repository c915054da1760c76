//! The parsers outside the domain: HTTP, the configuration, import files, and tokens as the service verifies them.

pub mod config;
pub mod form;
pub mod import;
pub mod json_body;
pub mod query;
pub mod redis_url;
pub mod request_head;
pub mod token;

use crate::Target;

/// The parsers outside the domain.
pub const EDGE: [Target; 8] = [
    ("config", config::check),
    ("form", form::check),
    ("import", import::check),
    ("json_body", json_body::check),
    ("query", query::check),
    ("redis_url", redis_url::check),
    ("request_head", request_head::check),
    ("token", token::check),
];
