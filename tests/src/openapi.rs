//! Compares answers with the OpenAPI document. The rule: no test gets an answer with a status that the document does not declare for
//! the operation.

use auth_api::{ServerConfig, app::routes};
use reqwest::Method;
use serde_json::Value;
use std::sync::LazyLock;

/// The document of a server of the shipped settings.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let document = routes::document(&ServerConfig::default());
    serde_json::from_str(document.text()).unwrap_or_default()
});

/// Whether a path fits a pattern with `{parameters}`.
fn fits(path: &str, pattern: &str) -> bool {
    let (mut parts, mut patterns) = (path.split('/'), pattern.split('/'));
    loop {
        match (parts.next(), patterns.next()) {
            (None, None) => return true,
            (Some(part), Some(pattern)) if part == pattern => {}
            (Some(part), Some(pattern)) if pattern.starts_with('{') && !part.is_empty() => {}
            _ => return false,
        }
    }
}

/// Compares an answer with the document. Routes that the document leaves out are not compared.
///
/// # Panics
/// If the operation may not answer with this status.
pub(crate) fn check(method: &Method, path: &str, status: u16) {
    let method = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut paths = DOCUMENT["paths"].as_object().into_iter().flatten();
    let Some((pattern, item)) = paths.find(|(pattern, _)| fits(path, pattern)) else {
        return;
    };
    let operation = &item[method.as_str().to_lowercase()];
    if let Some(answers) = operation["responses"].as_object() {
        assert!(
            answers.contains_key(&status.to_string()),
            "{method} {pattern} answered with {status}, which the document does not name"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_the_document_names_is_good() {
        check(&Method::GET, "/api/v1/auth/me", 200);
        check(&Method::HEAD, "/api/v1/auth/sessions/018f3f5e", 404);
        check(&Method::POST, "/api/v1/auth/me", 405);
        check(&Method::GET, "/nothing", 404);
    }

    #[test]
    #[should_panic(expected = "GET /api/v1/auth/sessions/{id} answered with 201")]
    fn an_answer_that_it_does_not_name_ends_the_test() {
        check(&Method::GET, "/api/v1/auth/sessions/018f3f5e", 201);
    }
}
