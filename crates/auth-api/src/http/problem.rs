//! Error answers (RFC 9457). The table of [`Code`] defines each code once, with its status, its title and its detail.
//!
//! An error has two readers: the client gets the code and the detail, and the log gets the cause. The cause is never sent.

mod code;
mod of_service;
mod wait;

pub use code::Code;
pub(crate) use wait::{Unit, in_largest_unit, insert_limit, insert_retry_after, whole_seconds};

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE},
    },
};
use auth_service::{Challenge, LimitStatus};
use serde::Serialize;
use std::{borrow::Cow, fmt, time::Duration};

/// The media type of every error answer but those of OAuth 2.0.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How long a client is asked to wait while a dependency is out of reach. Most outages are over within seconds.
pub const UNAVAILABLE_RETRY: Duration = Duration::from_secs(2);

/// What is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name, as sent.
    pub field: String,
    /// A stable code.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// A fault of a field.
    pub fn new(
        field: &str,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        // The name may be of the client's making, so its length is bounded.
        Self {
            field: field.chars().take(64).collect(),
            code: code.into(),
            message: message.into(),
        }
    }
}

/// An error answer.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    allow: Option<Box<HeaderValue>>,
    limit: Option<Box<LimitStatus>>,
    challenge: Option<Box<Challenge>>,
    cause: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// Of `mfa_required`: the kinds of proof that are still needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<&'static str>>,
}

fn method_names(challenge: &Challenge) -> Vec<&'static str> {
    challenge.methods.iter().map(|method| method.as_str()).collect()
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self {
            code,
            detail: None,
            errors: Vec::new(),
            retry_after: None,
            allow: None,
            limit: None,
            challenge: None,
            cause: None,
        }
    }
}

impl Problem {
    /// An error with a detail of its own.
    pub fn with_detail(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..code.into()
        }
    }

    /// Invalid input: `unknown_field` if one of the faults is an unknown field, else `invalid_input`.
    #[must_use]
    pub fn invalid_input(errors: Vec<FieldError>) -> Self {
        let unknown = errors
            .iter()
            .any(|error| error.code == Code::UnknownField.as_str());
        let code = if unknown {
            Code::UnknownField
        } else {
            Code::InvalidInput
        };
        Self::with_errors(code, errors)
    }

    /// An error that names fields.
    #[must_use]
    pub fn with_errors(code: Code, errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..code.into()
        }
    }

    /// The same error, with the field named as in the route's body.
    #[must_use]
    pub fn field(mut self, name: &str) -> Self {
        for error in &mut self.errors {
            name.clone_into(&mut error.field);
        }
        self
    }

    /// A method that a path does not take. `allow` lists those that it takes.
    #[must_use]
    pub fn method_not_allowed(allow: HeaderValue) -> Self {
        Self {
            allow: Some(Box::new(allow)),
            ..Code::MethodNotAllowed.into()
        }
    }

    /// A dependency is out of reach. The cause is for the log.
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self {
            retry_after: Some(UNAVAILABLE_RETRY),
            cause: Some(cause.into()),
            ..Code::Unavailable.into()
        }
    }

    /// An internal error. The cause is for the log.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Code::Internal.into()
        }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The detail for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.code.detail())
    }

    /// The cause, for the log alone.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// When to try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The limit that refused the request.
    pub(crate) fn limit(&self) -> Option<&LimitStatus> {
        self.limit.as_deref()
    }

    /// The faults of single fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The answer; `instance` is the request id.
    #[must_use]
    pub fn answer(&self, instance: Option<&str>) -> HttpResponse {
        let body = Body {
            r#type: self.code.type_uri(),
            title: self.code.title(),
            status: self.code.status(),
            detail: self.detail(),
            code: self.code.as_str(),
            instance,
            retry_after: self.retry_after.map(whole_seconds),
            errors: &self.errors,
            methods: self.challenge.as_ref().map(|challenge| method_names(challenge)),
        };
        let mut answer = self.builder();
        answer.insert_header((CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
        // A struct of strings and numbers always has a JSON form.
        answer.body(serde_json::to_vec(&body).unwrap_or_default())
    }

    /// The answer's status and headers, whatever its body says.
    #[must_use]
    pub fn builder(&self) -> HttpResponseBuilder {
        let mut answer = HttpResponse::build(self.code.status_code());
        if let Some(challenge) = self.code.challenge() {
            answer.insert_header((WWW_AUTHENTICATE, challenge));
        }
        if let Some(allow) = &self.allow {
            answer.insert_header((ALLOW, HeaderValue::clone(allow)));
        }
        if let Some(wait) = self.retry_after {
            insert_retry_after(&mut answer, wait);
        }
        if let Some(limit) = &self.limit {
            insert_limit(&mut answer, limit);
        }
        answer
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use auth_domain::authentication::Method;
    use auth_service::Failure;
    use std::collections::HashSet;

    #[test]
    fn every_code_has_a_word_of_its_own_and_an_error_status() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!((400..=599).contains(&code.status()), "{}", code.as_str());
            assert!(
                code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{}",
                code.as_str()
            );
            assert!(!code.title().is_empty() && !code.detail().is_empty());
            assert_eq!(code.status_code().as_u16(), code.status());
        }
    }

    #[test]
    fn a_challenge_fits_a_header_and_names_an_error_only_for_a_token_that_was_sent() {
        for code in Code::ALL {
            let challenge = code.challenge();
            assert_eq!(challenge.is_some(), code.status() == 401, "{}", code.as_str());
            if let Some(challenge) = challenge {
                assert!(HeaderValue::from_str(&challenge).is_ok_and(|value| value.to_str().is_ok()));
                assert_eq!(challenge.matches('"').count() % 2, 0);
            }
        }
        assert_eq!(
            Code::MissingToken.challenge().unwrap(),
            "Bearer realm=\"keyward\""
        );
        let revoked = Code::TokenRevoked.challenge().unwrap();
        assert_eq!(
            revoked,
            "Bearer realm=\"keyward\", error=\"invalid_token\", error_description=\"Token has been revoked\""
        );
    }

    #[actix_web::test]
    async fn an_answer_shows_the_code_and_never_the_cause() {
        let answer = Problem::unavailable("password of the database: hunter2").answer(Some("abc"));
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers().get("retry-after").unwrap(), "2");
        assert_eq!(answer.headers().get("content-type").unwrap(), PROBLEM_JSON);
        let body = to_bytes(answer.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:keyward:problem:unavailable", "title": "Unavailable", "status": 503, "code": "unavailable",
                "detail": "A part of the service is unavailable. Try again shortly.", "instance": "abc", "retry_after": 2
            })
        );
    }

    #[actix_web::test]
    async fn a_proof_that_is_not_enough_is_refused_with_what_else_to_prove() {
        let methods = vec![Method::Password];
        let answer = Problem::from(Challenge { methods }).answer(None);
        assert_eq!(answer.status(), 403);
        let body = to_bytes(answer.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "mfa_required");
        assert_eq!(body["methods"], serde_json::json!(["password"]));
    }

    #[test]
    fn an_outage_is_never_a_client_error() {
        let outages = [
            Failure::Unavailable("x".into()),
            Failure::Overloaded {
                retry_after: Duration::from_millis(1),
            },
            Failure::Internal("x".into()),
        ];
        for outage in outages {
            assert!(Problem::from(outage).code().status() >= 500);
        }
        let answer = Problem::from(Failure::Overloaded {
            retry_after: Duration::from_millis(1_200),
        })
        .answer(None);
        assert_eq!(answer.headers().get("retry-after").unwrap(), "2");
    }

    #[test]
    fn one_unknown_field_names_the_problem() {
        let unknown = FieldError::new("role", Code::UnknownField.as_str(), "x");
        let missing = FieldError::new("password", "missing", "x");
        assert_eq!(
            Problem::invalid_input(vec![missing.clone(), unknown]).code(),
            Code::UnknownField
        );
        assert_eq!(Problem::invalid_input(vec![missing]).code(), Code::InvalidInput);
        assert_eq!(FieldError::new(&"x".repeat(1000), "c", "m").field.len(), 64);
    }

    #[test]
    fn what_the_framework_refuses_has_a_code_too() {
        assert_eq!(Code::for_status(StatusCode::NOT_FOUND), Code::NotFound);
        assert_eq!(Code::for_status(StatusCode::IM_A_TEAPOT), Code::InvalidRequest);
        assert_eq!(Code::for_status(StatusCode::BAD_GATEWAY), Code::Internal);
    }
}
