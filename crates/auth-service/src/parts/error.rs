//! Everything that can keep a use case from its answer: what the caller did, or what failed here.
//!
//! The rule: what fails here is a [`Failure`] and nothing else.

use crate::parts::{failure::Failure, input::InputError, keys::KeyError, tokens::InvalidToken};
use auth_domain::{
    claims::ClaimsRefused, email::EmailError, idempotency::InvalidIdempotencyKey,
    password::PasswordViolation, time::Timestamp, user::NotADisplayName,
};
use auth_limits::Standing;
use auth_storage::{Refused, links::NotRedeemed, sessions, users::EmailTaken};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can't be one.
    #[error("{0}")]
    InvalidEmail(EmailError),
    /// The name can't be shown.
    #[error("{0}")]
    InvalidName(NotADisplayName),
    /// The new password breaks these rules.
    #[error("the password does not fit the policy")]
    WeakPassword(Vec<PasswordViolation>),
    /// Another user has this address.
    #[error("the address is taken")]
    EmailTaken,
    /// Registration is turned off.
    #[error("registration is closed")]
    RegistrationClosed,
    /// The address, the password or both are wrong, or the user may not sign in.
    #[error("incorrect email or password")]
    InvalidCredentials,
    /// The password is right, and the address has to be confirmed before the user may sign in.
    #[error("the address is not confirmed")]
    EmailNotVerified,
    /// The token is not one of ours, or not of this kind.
    #[error("the token is invalid")]
    InvalidToken,
    /// The token is past its time.
    #[error("the token has expired")]
    TokenExpired,
    /// The token or its session was ended.
    #[error("the token has been revoked")]
    TokenRevoked,
    /// All sessions of the user were ended.
    #[error("all user sessions have been revoked")]
    AllSessionsRevoked,
    /// The refresh token was used before.
    #[error("the refresh token was already used")]
    TokenAlreadyUsed,
    /// The `Idempotency-Key` is malformed.
    #[error("{0}")]
    InvalidIdempotencyKey(InvalidIdempotencyKey),
    /// The client is unknown, or its secret is wrong.
    #[error("the client is unknown or its secret is wrong")]
    InvalidClient,
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongCurrentPassword,
    /// The link alone does not confirm the address: it takes a session of the account, its password or, for a first confirmation,
    /// a new password.
    #[error("the link takes a password as well")]
    PasswordRequired,
    /// A limit refused the request; the standing says which and how long.
    #[error("too many requests: {}", .0.name.as_str())]
    RateLimited(Box<Standing>),
    /// The user has as many API keys as it may.
    #[error("no more than {0} API keys")]
    TooManyApiKeys(u32),
    /// A permission that the maker of an API key does not hold itself.
    #[error("a key can't do what its maker may not")]
    PermissionNotHeld,
    /// The expiry is not in the future.
    #[error("the expiry is not in the future")]
    ExpiryInThePast,
    /// There is no such thing, or it is not the caller's.
    #[error("not found")]
    NotFound,
    /// The caller may not do this.
    #[error("not allowed")]
    Forbidden,
    /// There is an administrator already.
    #[error("set-up is closed: there is an administrator")]
    SetupClosed,
    /// The one-time token is unknown, used or past its time.
    #[error("the token is invalid or has expired")]
    InvalidOrExpiredToken,
    /// The change would leave no administrator.
    #[error("the last administrator can't be removed")]
    LastAdmin,
    /// No such role is configured.
    #[error("no such role")]
    UnknownRole,
    /// The text can't be a client's id, or the id is taken.
    #[error("{0}")]
    InvalidClientId(String),
    /// The next signing key may not sign yet.
    #[error("the next key may not sign before {ready_at}")]
    KeyTooYoung {
        /// When it may.
        ready_at: Timestamp,
    },
    /// Signing keys are not kept here: the algorithm is HS256 with a shared secret.
    #[error("with HS256 there is no key to rotate: change the shared secret")]
    NoKeysToRotate,
    /// What failed here.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for Error {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        match error {
            InputError::InvalidEmail(why) => Self::InvalidEmail(why),
            InputError::InvalidName(why) => Self::InvalidName(why),
            InputError::WeakPassword(broken) => Self::WeakPassword(broken),
            InputError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<InvalidToken> for Error {
    fn from(_: InvalidToken) -> Self {
        Self::InvalidToken
    }
}

impl From<ClaimsRefused> for Error {
    fn from(refused: ClaimsRefused) -> Self {
        match refused {
            ClaimsRefused::Invalid => Self::InvalidToken,
            ClaimsRefused::Expired => Self::TokenExpired,
        }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::TooYoung(young) => Self::KeyTooYoung {
                ready_at: young.ready_at,
            },
            KeyError::SharedSecret => Self::NoKeysToRotate,
            KeyError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<EmailError> for Error {
    fn from(error: EmailError) -> Self {
        Self::InvalidEmail(error)
    }
}

impl From<NotADisplayName> for Error {
    fn from(error: NotADisplayName) -> Self {
        Self::InvalidName(error)
    }
}

impl From<InvalidIdempotencyKey> for Error {
    fn from(error: InvalidIdempotencyKey) -> Self {
        Self::InvalidIdempotencyKey(error)
    }
}

impl From<Refused> for Error {
    /// The caller held the permission when the request came in, and has lost it since.
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::NotFound,
            Refused::CallerRevoked => Self::Forbidden,
            Refused::LastAdmin => Self::LastAdmin,
        }
    }
}

impl From<EmailTaken> for Error {
    fn from(_: EmailTaken) -> Self {
        Self::EmailTaken
    }
}

impl From<sessions::Outdated> for Error {
    fn from(_: sessions::Outdated) -> Self {
        Self::InvalidCredentials
    }
}

impl From<NotRedeemed> for Error {
    fn from(why: NotRedeemed) -> Self {
        match why {
            NotRedeemed::InvalidToken => Self::InvalidOrExpiredToken,
            NotRedeemed::EmailTaken => Self::EmailTaken,
            NotRedeemed::ProofNeeded => Self::PasswordRequired,
        }
    }
}
