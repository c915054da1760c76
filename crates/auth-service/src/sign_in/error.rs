//! Why a sign-in, a registration or the set-up was refused.

use crate::parts::{
    events::Refusal,
    failure::Failure,
    input::{InputError, InputRefused},
    refusals::RateLimited,
};
use auth_storage::{sessions, users::EmailTaken};

/// Why a sign-in, a registration or the set-up was refused.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The address, the password or both are wrong, or the user may not sign in.
    #[error("incorrect email or password")]
    InvalidCredentials,
    /// The password is right, and the address has to be confirmed before the user may sign in.
    #[error("the address is not confirmed")]
    EmailNotVerified,
    /// Registration is turned off.
    #[error("registration is closed")]
    RegistrationClosed,
    /// There is already an administrator.
    #[error("set-up is closed: there is an administrator")]
    SetupClosed,
    /// The one-time token of the set-up is unknown, used or expired.
    #[error("the token is invalid or has expired")]
    InvalidOrExpiredToken,
    /// Another user has this address.
    #[error("the address is taken")]
    EmailTaken,
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

impl<E: Into<Failure>> From<E> for SignInError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<InputError> for SignInError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Refused(refused) => Self::Input(refused),
            InputError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<InputRefused> for SignInError {
    fn from(refused: InputRefused) -> Self {
        Self::Input(refused)
    }
}

impl From<RateLimited> for SignInError {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(limited)
    }
}

impl From<EmailTaken> for SignInError {
    fn from(_: EmailTaken) -> Self {
        Self::EmailTaken
    }
}

impl From<sessions::Outdated> for SignInError {
    fn from(_: sessions::Outdated) -> Self {
        Self::InvalidCredentials
    }
}

impl From<&SignInError> for Refusal {
    fn from(error: &SignInError) -> Self {
        match error {
            SignInError::InvalidCredentials => Self::InvalidCredentials,
            SignInError::RateLimited(_) => Self::RateLimited,
            SignInError::Failure(failure) => failure.into(),
            SignInError::EmailNotVerified
            | SignInError::RegistrationClosed
            | SignInError::SetupClosed
            | SignInError::InvalidOrExpiredToken
            | SignInError::EmailTaken
            | SignInError::Input(_) => Self::InvalidRequest,
        }
    }
}
