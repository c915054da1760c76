//! Why a session was not refreshed, shown or ended.

use crate::parts::{
    events::Refusal,
    failure::Failure,
    refusals::RateLimited,
    tokens::{TokenError, TokenRefused},
};
use auth_domain::idempotency::InvalidIdempotencyKey;

/// Why a session was not refreshed, shown or ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The token is refused.
    #[error(transparent)]
    Token(TokenRefused),
    /// The refresh token was used before.
    #[error("the refresh token was already used")]
    TokenAlreadyUsed,
    /// The `Idempotency-Key` is malformed.
    #[error(transparent)]
    InvalidIdempotencyKey(InvalidIdempotencyKey),
    /// There is no such session, or it is not the caller's.
    #[error("not found")]
    NotFound,
    /// A limit refused the request.
    #[error(transparent)]
    RateLimited(RateLimited),
    /// A failure of the server.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for SessionError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<TokenError> for SessionError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refused) => Self::Token(refused),
            TokenError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<TokenRefused> for SessionError {
    fn from(refused: TokenRefused) -> Self {
        Self::Token(refused)
    }
}

impl From<RateLimited> for SessionError {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(limited)
    }
}

impl From<InvalidIdempotencyKey> for SessionError {
    fn from(error: InvalidIdempotencyKey) -> Self {
        Self::InvalidIdempotencyKey(error)
    }
}

impl From<&SessionError> for Refusal {
    fn from(error: &SessionError) -> Self {
        match error {
            SessionError::Token(TokenRefused::Invalid) => Self::InvalidToken,
            SessionError::Token(TokenRefused::Expired) => Self::TokenExpired,
            SessionError::Token(TokenRefused::Revoked | TokenRefused::AllSessionsRevoked) => {
                Self::TokenRevoked
            }
            SessionError::TokenAlreadyUsed => Self::TokenAlreadyUsed,
            SessionError::RateLimited(_) => Self::RateLimited,
            SessionError::Failure(failure) => failure.into(),
            SessionError::InvalidIdempotencyKey(_) | SessionError::NotFound => Self::InvalidRequest,
        }
    }
}
