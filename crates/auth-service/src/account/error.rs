//! Why a user's change to their own account was refused.

use crate::parts::{
    failure::Failure,
    input::{InputError, InputRefused},
    refusals::RateLimited,
    tokens::{TokenError, TokenRefused},
};
use auth_storage::links::NotRedeemed;

/// Why a user's change to their own account was refused.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The caller's token was revoked during the request.
    #[error(transparent)]
    Token(TokenRefused),
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongCurrentPassword,
    /// The link alone does not confirm the address: a session of the account is needed, its password or, for a first confirmation,
    /// a new password.
    #[error("the link needs a password as well")]
    PasswordRequired,
    /// The token of the link is unknown, used or expired.
    #[error("the token is invalid or has expired")]
    InvalidOrExpiredToken,
    /// Another user has this address.
    #[error("the address is taken")]
    EmailTaken,
    /// The change would leave no administrator.
    #[error("the last administrator can't be removed")]
    LastAdmin,
    /// The address, the name or the new password was refused.
    #[error(transparent)]
    Input(InputRefused),
    /// A limit refused the request.
    #[error(transparent)]
    RateLimited(RateLimited),
    /// A failure of the server.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for AccountError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<TokenError> for AccountError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refused) => Self::Token(refused),
            TokenError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<InputError> for AccountError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Refused(refused) => Self::Input(refused),
            InputError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<InputRefused> for AccountError {
    fn from(refused: InputRefused) -> Self {
        Self::Input(refused)
    }
}

impl From<RateLimited> for AccountError {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(limited)
    }
}

impl From<NotRedeemed> for AccountError {
    fn from(why: NotRedeemed) -> Self {
        match why {
            NotRedeemed::InvalidToken => Self::InvalidOrExpiredToken,
            NotRedeemed::EmailTaken => Self::EmailTaken,
            NotRedeemed::ProofNeeded => Self::PasswordRequired,
        }
    }
}
