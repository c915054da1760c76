//! What happened, for those who count it. A use case says each thing once, where it knows it; the hourly activity and the metrics
//! subscribe. Nothing of an event names a user: it is a figure, and no log.

use crate::parts::failure::Failure;
use auth_domain::time::Timestamp;
use auth_limits::LimitName;
use std::sync::Arc;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A sign-in, a registration or the set-up gave tokens.
    SignedIn,
    /// A sign-in was asked for, and gave none.
    SignInRefused(Refusal),
    /// A password was wrong, or the account may not sign in; at a sign-in, beside a mailed link, or to confirm a change.
    PasswordRefused,
    /// A client's refresh was answered. What pages refresh by themselves is not.
    RefreshAnswered(Result<(), Refusal>),
    /// A refresh token was used and replaced, by an application or by a page. A repeated answer does not count.
    Rotated,
    /// A revocation that somebody asked for was done.
    Revoked(RevokedBy),
    /// This limit refused a request.
    LimitRefused(LimitName),
}

/// Why a use case refused, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A password was wrong, or the account may not sign in.
    InvalidCredentials,
    /// A limit.
    RateLimited,
    /// The token is none of ours.
    InvalidToken,
    /// The token is past its time.
    TokenExpired,
    /// The token or its session was ended.
    TokenRevoked,
    /// The refresh token was used before.
    TokenAlreadyUsed,
    /// Whatever else was wrong with what was asked.
    InvalidRequest,
    /// A part was out of reach.
    Unavailable,
    /// There was more work than could be done in time.
    Overloaded,
    /// Something that should not happen did.
    Internal,
}

impl Refusal {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::RateLimited => "rate_limited",
            Self::InvalidToken => "invalid_token",
            Self::TokenExpired => "token_expired",
            Self::TokenRevoked => "token_revoked",
            Self::TokenAlreadyUsed => "token_already_used",
            Self::InvalidRequest => "invalid_request",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal_error",
        }
    }
}

impl From<&Failure> for Refusal {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Unavailable(_) => Self::Unavailable,
            Failure::Overloaded { .. } => Self::Overloaded,
            Failure::Internal(_) => Self::Internal,
        }
    }
}

/// What somebody asked to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// The caller's session, by signing out.
    Logout,
    /// All sessions of the caller, or all but this one.
    LogoutAll,
    /// One session out of the caller's list.
    Session,
    /// A token, by a client (RFC 7009).
    Revoke,
}

impl RevokedBy {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::Session => "session",
            Self::Revoke => "revoke",
        }
    }
}

/// Counts what happens. It is called on a request's path: it neither waits nor fails.
pub trait Subscriber: Send + Sync {
    /// Something happened in a request of this moment.
    fn on_event(&self, event: Event, at: Timestamp);
}

/// Those who count.
pub(crate) struct Events(Vec<Arc<dyn Subscriber>>);

impl Events {
    pub(crate) fn new(subscribers: Vec<Arc<dyn Subscriber>>) -> Self {
        Self(subscribers)
    }

    pub(crate) fn emit(&self, event: Event, at: Timestamp) {
        for subscriber in &self.0 {
            subscriber.on_event(event, at);
        }
    }
}
