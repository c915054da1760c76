//! Events of the use cases, for counters. A use case emits each event once; the hourly activity and the metrics subscribe. The
//! rule: an event names no user, because it is a statistic and no record.

use crate::parts::failure::Failure;
use auth_domain::time::Timestamp;
use auth_limits::LimitName;
use std::sync::Arc;

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A sign-in, a registration or the set-up issued tokens.
    SignedIn,
    /// A sign-in was refused.
    SignInRefused(Refusal),
    /// A password was wrong, or the account may not sign in: at a sign-in, beside a link from a mail, or at a reauthentication.
    PasswordRefused,
    /// A client's refresh was answered. The refreshes of pages do not count.
    RefreshAnswered(Result<(), Refusal>),
    /// A refresh token was rotated, by an application or by a page. A repeated answer does not count.
    Rotated,
    /// A revocation was requested and done.
    Revoked(RevokedBy),
    /// This limit refused a request.
    LimitRefused(LimitName),
}

/// Why a use case refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A password was wrong, or the account may not sign in.
    InvalidCredentials,
    /// A limit refused the request.
    RateLimited,
    /// The token was not issued by this server.
    InvalidToken,
    /// The token has expired.
    TokenExpired,
    /// The token or its session was ended.
    TokenRevoked,
    /// The refresh token was used before.
    TokenAlreadyUsed,
    /// Anything else was wrong with the request.
    InvalidRequest,
    /// A part of the server was unavailable.
    Unavailable,
    /// There was more work than could be done in time.
    Overloaded,
    /// Something that should not happen did.
    Internal,
}

impl Refusal {
    /// The name, as metrics show it.
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

/// What was revoked at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// The caller's session, by signing out.
    Logout,
    /// All sessions of the caller, or all but this one.
    LogoutAll,
    /// One session of the caller's list.
    Session,
    /// A token, by a client (RFC 7009).
    Revoke,
}

impl RevokedBy {
    /// The name, as metrics show it.
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

/// A subscriber to events. It is called on a request's path, so it must neither wait nor fail.
pub trait Subscriber: Send + Sync {
    /// Takes an event of a request of this time.
    fn on_event(&self, event: Event, at: Timestamp);
}

/// The subscribers.
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
