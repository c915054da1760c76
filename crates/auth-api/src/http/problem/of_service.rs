//! The problem for each error of the use cases.

use super::{Code, FieldError, Problem, wait};
use auth_domain::user::NotADisplayName;
use auth_service::{
    AccountError, AdminError, ApiKeyError, Challenge, Failure, InputError, InputRefused, KeyError,
    RateLimited, SessionError, SignInError, TokenError, TokenRefused,
};

/// An error: clients would take a 2xx without tokens for a sign-in.
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

impl From<RateLimited> for Problem {
    fn from(RateLimited(limit_status): RateLimited) -> Self {
        Self {
            retry_after: Some(limit_status.retry_after),
            detail: Some(wait::too_many_attempts(limit_status.retry_after).into()),
            limit: Some(limit_status),
            ..Code::RateLimited.into()
        }
    }
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Refused(refused) => refused.into(),
            InputError::Failure(failure) => failure.into(),
        }
    }
}

impl From<InputRefused> for Problem {
    fn from(refused: InputRefused) -> Self {
        match refused {
            InputRefused::InvalidEmail(why) => Self {
                errors: vec![FieldError::new("email", why.code(), why.to_string())],
                ..Self::with_detail(Code::InvalidEmail, why.to_string())
            },
            InputRefused::InvalidName(why) => why.into(),
            InputRefused::WeakPassword(violations) => {
                let fault = |broken: auth_domain::password::PasswordViolation| {
                    FieldError::new("password", broken.code, broken.message)
                };
                Self {
                    errors: violations.into_iter().map(fault).collect(),
                    ..Code::WeakPassword.into()
                }
            }
        }
    }
}

impl From<NotADisplayName> for Problem {
    fn from(why: NotADisplayName) -> Self {
        Self {
            errors: vec![FieldError::new(
                "name",
                Code::InvalidName.as_str(),
                why.to_string(),
            )],
            ..Self::with_detail(Code::InvalidName, why.to_string())
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refused) => refused.into(),
            TokenError::Failure(failure) => failure.into(),
        }
    }
}

impl From<TokenRefused> for Problem {
    fn from(refused: TokenRefused) -> Self {
        match refused {
            TokenRefused::Invalid => Code::InvalidToken.into(),
            TokenRefused::Expired => Code::TokenExpired.into(),
            TokenRefused::Revoked => Code::TokenRevoked.into(),
            TokenRefused::AllSessionsRevoked => Code::AllSessionsRevoked.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidCredentials => Code::InvalidCredentials.into(),
            SignInError::EmailNotVerified => Code::EmailNotVerified.into(),
            SignInError::RegistrationClosed => Code::RegistrationClosed.into(),
            SignInError::SetupClosed => Code::SetupClosed.into(),
            SignInError::InvalidOrExpiredToken => Code::InvalidOrExpiredToken.into(),
            SignInError::EmailTaken => Code::EmailTaken.into(),
            SignInError::Input(error) => error.into(),
            SignInError::RateLimited(limited) => limited.into(),
            SignInError::Failure(failure) => failure.into(),
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Token(error) => error.into(),
            SessionError::TokenAlreadyUsed => Code::TokenAlreadyUsed.into(),
            SessionError::InvalidIdempotencyKey(_) => Code::InvalidIdempotencyKey.into(),
            SessionError::NotFound => Code::NotFound.into(),
            SessionError::RateLimited(limited) => limited.into(),
            SessionError::Failure(failure) => failure.into(),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Token(error) => error.into(),
            AccountError::WrongCurrentPassword => Code::WrongCurrentPassword.into(),
            AccountError::PasswordRequired => Code::PasswordRequired.into(),
            AccountError::InvalidOrExpiredToken => Code::InvalidOrExpiredToken.into(),
            AccountError::EmailTaken => Code::EmailTaken.into(),
            AccountError::LastAdmin => Code::LastAdmin.into(),
            AccountError::Input(error) => error.into(),
            AccountError::RateLimited(limited) => limited.into(),
            AccountError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Forbidden => Code::Forbidden.into(),
            ApiKeyError::NotFound => Code::NotFound.into(),
            ApiKeyError::InvalidName(why) => why.into(),
            ApiKeyError::ExpiryInThePast => Self::invalid_input(vec![FieldError::new(
                "expires_at",
                "in_the_past",
                "The expiry must be in the future.",
            )]),
            ApiKeyError::PermissionNotHeld => Code::PermissionNotHeld.into(),
            ApiKeyError::TooMany(_) => Code::TooManyApiKeys.into(),
            ApiKeyError::Token(error) => error.into(),
            ApiKeyError::RateLimited(limited) => limited.into(),
            ApiKeyError::Failure(failure) => failure.into(),
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound => Code::NotFound.into(),
            AdminError::Forbidden => Code::Forbidden.into(),
            AdminError::LastAdmin => Code::LastAdmin.into(),
            AdminError::UnknownRole => Code::UnknownRole.into(),
            AdminError::PermissionNotHeld => Code::PermissionNotHeld.into(),
            AdminError::EmailTaken => Code::EmailTaken.into(),
            AdminError::Input(error) => error.into(),
            AdminError::Failure(failure) => failure.into(),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::TooYoung(young) => Self::with_detail(
                Code::KeyTooYoung,
                format!(
                    "The next signing key may not sign before {}.",
                    young.ready_at.to_rfc3339()
                ),
            ),
            KeyError::SharedSecret => Code::NoKeysToRotate.into(),
            KeyError::Forbidden => Code::Forbidden.into(),
            KeyError::Failure(failure) => failure.into(),
        }
    }
}
