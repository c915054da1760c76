//! Why an administrator's change was refused.

use crate::parts::{
    failure::Failure,
    input::{InputError, InputRefused},
};
use auth_storage::{
    Refused,
    users::{EmailTaken, NotInvited},
};

/// Why an administrator's change was refused.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such user or session.
    #[error("not found")]
    NotFound,
    /// The caller lost the permission during the request.
    #[error("not allowed")]
    Forbidden,
    /// The change would leave no administrator.
    #[error("the last administrator can't be removed")]
    LastAdmin,
    /// No such role is configured.
    #[error("no such role")]
    UnknownRole,
    /// The role holds a permission that the caller does not hold.
    #[error("a role with a permission that you don't hold can't be granted")]
    PermissionNotHeld,
    /// Another user has this address.
    #[error("the address is taken")]
    EmailTaken,
    /// The address, the name or the new password was refused.
    #[error(transparent)]
    Input(InputRefused),
    /// A failure of the server.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for AdminError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<InputError> for AdminError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Refused(refused) => Self::Input(refused),
            InputError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<InputRefused> for AdminError {
    fn from(refused: InputRefused) -> Self {
        Self::Input(refused)
    }
}

impl From<Refused> for AdminError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::NotFound,
            Refused::CallerRevoked => Self::Forbidden,
            Refused::LastAdmin => Self::LastAdmin,
        }
    }
}

impl From<NotInvited> for AdminError {
    fn from(why: NotInvited) -> Self {
        match why {
            NotInvited::EmailTaken => Self::EmailTaken,
            NotInvited::CallerRevoked => Self::Forbidden,
        }
    }
}

impl From<EmailTaken> for AdminError {
    fn from(_: EmailTaken) -> Self {
        Self::EmailTaken
    }
}
