//! What people type for an account, and what is wrong with it. Such a fault is not counted like a wrong secret.

use crate::parts::failure::Failure;
use auth_domain::{email::EmailError, password::PasswordViolation, user::NotADisplayName};

/// Why an address, a name or a new password was not taken.
#[derive(Debug, thiserror::Error)]
pub enum InputRefused {
    /// The address can't be one.
    #[error(transparent)]
    InvalidEmail(EmailError),
    /// The name can't be shown.
    #[error(transparent)]
    InvalidName(NotADisplayName),
    /// The new password breaks these rules.
    #[error("the password does not fit the policy")]
    WeakPassword(Vec<PasswordViolation>),
}

impl From<EmailError> for InputRefused {
    fn from(error: EmailError) -> Self {
        Self::InvalidEmail(error)
    }
}

impl From<NotADisplayName> for InputRefused {
    fn from(error: NotADisplayName) -> Self {
        Self::InvalidName(error)
    }
}

/// Why input was not made into what is stored.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It was not taken.
    #[error(transparent)]
    Refused(InputRefused),
    /// What failed here; nothing is wrong with the input.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for InputError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<InputRefused> for InputError {
    fn from(refused: InputRefused) -> Self {
        Self::Refused(refused)
    }
}
