//! What users type for an account, and why it is refused. Malformed input does not count as a wrong secret.

use crate::parts::failure::Failure;
use auth_domain::{email::EmailError, password::PasswordViolation, user::NotADisplayName};

/// Why an address, a name or a new password was refused.
#[derive(Debug, thiserror::Error)]
pub enum InputRefused {
    /// The text is no email address.
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

/// Why input was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The input was refused.
    #[error(transparent)]
    Refused(InputRefused),
    /// A failure of the server; the input may be valid.
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
