//! What a use case refuses or fails with, as a client reads it.

use super::{Code, FieldError, Problem, wait};
use auth_service::{Challenge, Error, Failure};

/// A 2xx without tokens would be taken for a sign-in, so what is missing is an error.
impl From<Challenge> for Problem {
    fn from(challenge: Challenge) -> Self {
        Self {
            challenge: Some(Box::new(challenge)),
            ..Code::MfaRequired.into()
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(cause) => Self::unavailable(cause.to_string()),
            Failure::Overloaded { retry_after } => Self {
                retry_after: Some(retry_after),
                ..Code::Overloaded.into()
            },
            Failure::Internal(cause) => Self::internal(cause.to_string()),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidEmail(why) => Self {
                errors: vec![FieldError::new("email", why.code(), why.to_string())],
                ..Self::with_detail(Code::InvalidEmail, why.to_string())
            },
            Error::InvalidName(why) => Self {
                errors: vec![FieldError::new("name", Code::InvalidName.word(), why.to_string())],
                ..Self::with_detail(Code::InvalidName, why.to_string())
            },
            Error::WeakPassword(violations) => {
                let fault = |broken: auth_domain::password::PasswordViolation| {
                    FieldError::new("password", broken.code, broken.message)
                };
                Self {
                    errors: violations.into_iter().map(fault).collect(),
                    ..Code::WeakPassword.into()
                }
            }
            Error::EmailTaken => Code::EmailTaken.into(),
            Error::RegistrationClosed => Code::RegistrationClosed.into(),
            Error::InvalidCredentials => Code::InvalidCredentials.into(),
            Error::EmailNotVerified => Code::EmailNotVerified.into(),
            Error::InvalidToken => Code::InvalidToken.into(),
            Error::TokenExpired => Code::TokenExpired.into(),
            Error::TokenRevoked => Code::TokenRevoked.into(),
            Error::AllSessionsRevoked => Code::AllSessionsRevoked.into(),
            Error::TokenAlreadyUsed => Code::TokenAlreadyUsed.into(),
            Error::InvalidIdempotencyKey(_) => Code::InvalidIdempotencyKey.into(),
            Error::InvalidClient => Code::InvalidClient.into(),
            Error::WrongCurrentPassword => Code::WrongCurrentPassword.into(),
            Error::PasswordRequired => Code::PasswordRequired.into(),
            Error::RateLimited(standing) => Self {
                retry_after: Some(standing.retry_after),
                detail: Some(wait::too_many_attempts(standing.retry_after).into()),
                limit: Some(standing),
                ..Code::RateLimited.into()
            },
            Error::TooManyApiKeys(_) => Code::TooManyApiKeys.into(),
            Error::PermissionNotHeld => Code::PermissionNotHeld.into(),
            Error::ExpiryInThePast => Self::invalid_input(vec![FieldError::new(
                "expires_at",
                "in_the_past",
                "The expiry must be in the future.",
            )]),
            Error::NotFound => Code::NotFound.into(),
            Error::Forbidden => Code::Forbidden.into(),
            Error::SetupClosed => Code::SetupClosed.into(),
            Error::InvalidOrExpiredToken => Code::InvalidOrExpiredToken.into(),
            Error::LastAdmin => Code::LastAdmin.into(),
            Error::UnknownRole => Code::UnknownRole.into(),
            Error::InvalidClientId(why) => Self::with_detail(Code::InvalidClientId, why),
            Error::KeyTooYoung { ready_at } => Self::with_detail(
                Code::KeyTooYoung,
                format!(
                    "The next signing key may not sign before {}.",
                    ready_at.to_rfc3339()
                ),
            ),
            Error::NoKeysToRotate => Code::NoKeysToRotate.into(),
            Error::Failure(failure) => failure.into(),
        }
    }
}
