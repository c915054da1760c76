//! What callers hand in.

use auth_domain::{
    email::EmailAddress,
    ids::{OneTimeTokenId, UserId},
    password_hash::PasswordHash,
    role::Role,
    time::{Span, Timestamp},
    user::{DisplayName, UserStatus},
};
use uuid::Uuid;

/// How long what is ended now has to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The clock of the node that was asked.
    pub now: Timestamp,
    /// The least `until` of a revocation that hits tokens which no session row tells of.
    pub until_at_least: Timestamp,
    /// What is added to the expiry of the last token ([`auth_domain::revocation::grace`]).
    pub grace: Span,
}

/// A user to be made. Its generation is the first.
#[derive(Clone)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// Its address; no other user may have one with the same key.
    pub email: EmailAddress,
    /// Its name.
    pub name: Option<DisplayName>,
    /// The hash of its password; without one it can't sign in with a password.
    pub password_hash: Option<PasswordHash>,
    /// Its role.
    pub role: Role,
    /// Whether it may sign in.
    pub status: UserStatus,
    /// Since when its address is known to be its own.
    pub email_verified_at: Option<Timestamp>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// What changes of a user; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The new name, or none.
    pub name: Option<Option<DisplayName>>,
    /// The new role.
    pub role: Option<Role>,
    /// The new status.
    pub status: Option<UserStatus>,
    /// Since when the address is verified, or that it is not.
    pub email_verified_at: Option<Option<Timestamp>>,
}

/// Which users are listed: those that fit all that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// A part of the address or the name, in any case.
    pub query: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// The status.
    pub status: Option<UserStatus>,
}

/// Which part of a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The last id of the page before.
    pub after: Option<Uuid>,
    /// How many.
    pub limit: u32,
}

/// Which of a user's sessions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionFilter {
    /// Those that can still be refreshed.
    #[default]
    Active,
    /// The rest.
    Ended,
    /// All.
    All,
}

/// The rewrite of a hash after a sign-in that verified `from`.
#[derive(Clone)]
pub struct HashUpgrade {
    /// The hash that was verified: if another one is stored by now, nothing is written.
    pub from: PasswordHash,
    /// The same password under the current parameters.
    pub to: PasswordHash,
}

/// A set-up token to be stored: its digest, never itself.
#[derive(Clone)]
pub struct SetupToken {
    /// Its row.
    pub id: OneTimeTokenId,
    /// The SHA-256 of the token.
    pub digest: [u8; 32],
    /// When it is made.
    pub created_at: Timestamp,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

/// What a sweep removes, and how much at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepTerms {
    /// How long ended and expired sessions, and retired keys, are still shown.
    pub keep_ended_sessions: Span,
    /// The most rows of each kind that one call removes.
    pub limit: u32,
}
