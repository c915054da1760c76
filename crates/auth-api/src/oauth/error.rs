//! The errors of `/token`, `/revoke` and `/introspect` (RFC 6749 §5.2, RFC 7009 §2.2.1): a code and a description.

use crate::http::{
    body::BodyError,
    problem::{Code, Problem, insert_limit, insert_retry_after, whole_seconds},
    query::UnknownParameters,
    route::{
        ErrorFormat, HandlerOutput, SchemaRef,
        schema::{retry_after, text},
    },
};
use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{PRAGMA, WWW_AUTHENTICATE},
    },
};
use auth_service::{Challenge, ClientError, Failure, LimitStatus, SessionError, SignInError};
use serde::Serialize;
use std::{borrow::Cow, fmt, time::Duration};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::ObjectBuilder},
};

/// An error code of OAuth 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OauthCode {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The client is unknown, or client authentication failed.
    InvalidClient,
    /// The credentials or the refresh token are wrong.
    InvalidGrant,
    /// The grant is not offered here.
    UnsupportedGrantType,
    /// A scope was asked for that is not granted.
    InvalidScope,
    /// The password is right, and another proof is needed. The code is that of the JSON routes: no RFC has one.
    MfaRequired,
    /// An internal error.
    ServerError,
    /// A dependency is out of reach, or the server is overloaded.
    TemporarilyUnavailable,
}

impl OauthCode {
    /// Every code there is.
    pub const ALL: [Self; 8] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
        Self::MfaRequired,
        Self::ServerError,
        Self::TemporarilyUnavailable,
    ];

    /// The code as text: the RFC's where it has one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::MfaRequired => "mfa_required",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// An OAuth error answer.
#[derive(Debug)]
pub struct OauthError {
    code: OauthCode,
    status: u16,
    description: Cow<'static, str>,
    retry_after: Option<Duration>,
    limit: Option<Box<LimitStatus>>,
    cause: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: &'a str,
    /// An addition of ours: RFC 6749 §5.2 defines the members above and leaves others open.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl OauthError {
    /// An error of the client's.
    pub fn new(code: OauthCode, description: impl Into<Cow<'static, str>>) -> Self {
        let status = if code == OauthCode::InvalidClient {
            401
        } else {
            400
        };
        Self {
            code,
            status,
            description: description.into(),
            retry_after: None,
            limit: None,
            cause: None,
        }
    }

    /// Client authentication failed.
    #[must_use]
    pub fn invalid_client() -> Self {
        Self::new(OauthCode::InvalidClient, Code::InvalidClient.detail())
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> OauthCode {
        self.code
    }

    /// The cause, for the log alone.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    fn of_problem(code: OauthCode, problem: &Problem) -> Self {
        Self {
            code,
            status: problem.code().status(),
            description: problem.detail().to_owned().into(),
            retry_after: problem.retry_after(),
            limit: problem.limit().copied().map(Box::new),
            cause: problem.cause().map(ToOwned::to_owned),
        }
    }
}

impl From<Problem> for OauthError {
    /// Errors that are not the client's.
    fn from(problem: Problem) -> Self {
        match problem.code().status() {
            429 | 503 => Self::of_problem(OauthCode::TemporarilyUnavailable, &problem),
            500..=599 => Self::of_problem(OauthCode::ServerError, &problem),
            _ => Self::new(OauthCode::InvalidRequest, problem.code().detail()),
        }
    }
}

impl HandlerOutput for Result<HttpResponse, OauthError> {
    const ERROR_FORMAT: ErrorFormat = ErrorFormat::Custom(
        SchemaRef::of::<OauthError>(),
        &[
            (
                400,
                "`invalid_request`; at `/token` also `invalid_grant`, `unsupported_grant_type`, `invalid_scope` and `mfa_required`",
            ),
            (401, "`invalid_client`"),
            (408, "`invalid_request`: the body did not arrive in time"),
            (413, "`invalid_request`: the body is too long"),
            (429, "`temporarily_unavailable`: too many attempts"),
            (500, "`server_error`"),
            (503, "`temporarily_unavailable`"),
        ],
    );

    /// Parameters are sent in the body (RFC 6749 §3.2).
    fn unknown_parameters(_: UnknownParameters) -> actix_web::Error {
        OauthError::new(OauthCode::InvalidRequest, "Send the parameters in the body").into()
    }
}

impl PartialSchema for OauthError {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("An error (RFC 6749 §5.2)."))
            .property(
                "error",
                text().enum_values(Some(OauthCode::ALL.map(OauthCode::as_str))),
            )
            .property("error_description", text())
            .property("retry_after", retry_after())
            .required("error")
            .required("error_description")
            .into()
    }
}

impl ToSchema for OauthError {}

impl From<BodyError> for OauthError {
    fn from(fault: BodyError) -> Self {
        // RFC 6749 §5.2 knows 400 alone; 408 and 413 say more to a proxy in between.
        let status = if fault == BodyError::Encoded {
            400
        } else {
            fault.code().status()
        };
        Self {
            status,
            ..Self::new(OauthCode::InvalidRequest, fault.detail())
        }
    }
}

impl From<Challenge> for OauthError {
    fn from(_: Challenge) -> Self {
        Self::new(OauthCode::MfaRequired, Code::MfaRequired.detail())
    }
}

impl From<Failure> for OauthError {
    fn from(failure: Failure) -> Self {
        Problem::from(failure).into()
    }
}

impl From<SignInError> for OauthError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidCredentials => {
                Self::new(OauthCode::InvalidGrant, Code::InvalidCredentials.detail())
            }
            SignInError::EmailNotVerified => {
                Self::new(OauthCode::InvalidGrant, Code::EmailNotVerified.detail())
            }
            other => Problem::from(other).into(),
        }
    }
}

impl From<SessionError> for OauthError {
    fn from(error: SessionError) -> Self {
        match error {
            // Only the holder of a valid token may learn which of these it was.
            SessionError::Token(_) | SessionError::TokenAlreadyUsed => Self::new(
                OauthCode::InvalidGrant,
                "The refresh token is invalid, expired, revoked or already used",
            ),
            SessionError::InvalidIdempotencyKey(_) => {
                Self::new(OauthCode::InvalidRequest, Code::InvalidIdempotencyKey.detail())
            }
            other => Problem::from(other).into(),
        }
    }
}

impl From<ClientError> for OauthError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::InvalidClient | ClientError::InvalidId(_) | ClientError::NotFound => {
                Self::invalid_client()
            }
            ClientError::Failure(failure) => failure.into(),
        }
    }
}

impl fmt::Display for OauthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl std::error::Error for OauthError {}

impl ResponseError for OauthError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.insert_header((PRAGMA, "no-cache"));
        if self.code == OauthCode::InvalidClient {
            answer.insert_header((WWW_AUTHENTICATE, "Basic realm=\"keyward\", charset=\"UTF-8\""));
        }
        if let Some(wait) = self.retry_after {
            insert_retry_after(&mut answer, wait);
        }
        if let Some(limit) = &self.limit {
            insert_limit(&mut answer, limit);
        }
        answer.json(Body {
            error: self.code.as_str(),
            error_description: &self.description,
            retry_after: self.retry_after.map(whole_seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_service::TokenRefused;

    fn of(error: impl Into<OauthError>) -> (u16, &'static str) {
        let oauth: OauthError = error.into();
        (oauth.status_code().as_u16(), oauth.code().as_str())
    }

    #[test]
    fn every_error_has_its_code_and_status() {
        assert_eq!(of(SignInError::InvalidCredentials), (400, "invalid_grant"));
        assert_eq!(of(SignInError::EmailNotVerified), (400, "invalid_grant"));
        assert_eq!(of(SessionError::TokenAlreadyUsed), (400, "invalid_grant"));
        assert_eq!(of(ClientError::InvalidClient), (401, "invalid_client"));
        assert_eq!(
            of(Failure::Unavailable("x".into())),
            (503, "temporarily_unavailable")
        );
        assert_eq!(
            of(Failure::Overloaded {
                retry_after: Duration::from_secs(3)
            }),
            (503, "temporarily_unavailable")
        );
        assert_eq!(of(Failure::Internal("x".into())), (500, "server_error"));
        assert_eq!(of(SessionError::NotFound), (400, "invalid_request"));
    }

    #[test]
    fn a_password_that_is_not_enough_is_an_error_without_tokens() {
        let methods = vec![auth_domain::authentication::Method::Password];
        let answer = OauthError::from(Challenge { methods });
        assert_eq!(
            (answer.status_code().as_u16(), answer.code().as_str()),
            (400, "mfa_required")
        );
    }

    #[test]
    fn a_refused_client_is_told_how_to_prove_itself_and_an_outage_when_to_come_back() {
        let refused = OauthError::invalid_client().error_response();
        assert!(
            refused
                .headers()
                .get("www-authenticate")
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("Basic ")
        );
        let outage = OauthError::from(Failure::Unavailable("x".into())).error_response();
        assert_eq!(outage.headers().get("retry-after").unwrap(), "2");
        assert_eq!(OauthError::from(BodyError::TooLarge).status_code(), 413);
    }

    #[test]
    fn which_part_of_a_refresh_failed_is_not_told() {
        let described = |error| {
            OauthError::from(SessionError::Token(error))
                .description
                .into_owned()
        };
        assert_eq!(described(TokenRefused::Revoked), described(TokenRefused::Invalid));
    }
}
