//! What callers get back. An outcome that must persist is a value: an `Err` only ever means that the store failed.

use crate::asks::Pending;
use auth_domain::{
    api_key::ApiKey,
    credential::SecurityEvent,
    email::EmailAddress,
    ids::UserId,
    password_hash::PasswordHash,
    rotation::Decision,
    session::Session,
    time::Timestamp,
    user::{Generation, User},
};

/// Another user has the address; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailTaken;

/// Why a change of a user or a session was not made. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no such user or session.
    NotFound,
    /// The session in which the caller asks has ended, or its user's rights were cut, since the token was checked.
    CallerRevoked,
    /// The user is the last administrator.
    LastAdmin,
}

/// A user and the hash of its password, from one read: the generation is the one that the hash belongs to.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: User,
    /// The hash; `None`: it can't sign in with a password.
    pub password_hash: Option<PasswordHash>,
    /// Known devices from before are strangers again.
    pub devices_from: Option<Timestamp>,
    /// When the password was last set; links that were mailed before are void.
    pub password_changed_at: Option<Timestamp>,
}

/// A one-time token that holds.
#[derive(Clone)]
pub struct StoredToken {
    /// Whose it is.
    pub user: Option<UserId>,
    /// The address that it is bound to.
    pub email: Option<EmailAddress>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// What it puts in force.
    pub pending: Option<Pending>,
}

/// What a one-time token did, which is used up now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// The user after it.
    pub user: User,
    /// What it was, if it ended anything.
    pub event: Option<SecurityEvent>,
}

/// Why a one-time token did nothing. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRedeemed {
    /// There is no such token, or it was used, or is past its time.
    InvalidToken,
    /// Another user has the address by now.
    EmailTaken,
    /// The link alone does not do it: it takes a session of the account or its password as well, or for a first confirmation a
    /// new password.
    ProofNeeded,
}

/// What a mail with a confirmation link that was asked for by address is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The link, to this user.
    Confirm(UserId),
    /// To this user: that the address was used for a registration.
    AlreadyRegistered(UserId),
    /// It goes nowhere: no user with this address waits for a confirmation.
    Nothing,
}

/// Why an API key was not made. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRefused {
    /// The user has as many as they may.
    TooMany,
    /// There is no such user.
    NoUser,
    /// As [`Refused::CallerRevoked`].
    CallerRevoked,
}

/// An API key with its owner, from one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key.
    pub key: ApiKey,
    /// Its owner.
    pub owner: User,
}

/// How many of what there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFigures {
    /// Users by role and status.
    pub users: Vec<(String, String, u64)>,
    /// Sessions that can be refreshed.
    pub live_sessions: u64,
}

/// A user who was changed, or is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedUser {
    /// The user after the change; before it, if they were deleted.
    pub user: User,
    /// How many active sessions ended.
    pub sessions_ended: u64,
}

/// The user was deleted or disabled, or their generation was raised, since the password was verified: no session was begun, and
/// nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutdatedSignIn;

/// What came of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// What was decided, and is carried out.
    pub decision: Decision,
    /// The session after it.
    pub session: Session,
    /// Its user.
    pub user: User,
    /// Whether this call ended the session, because the token was reused. Of any number of callers, one does.
    pub ended: bool,
}

/// A session that has ended, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// The session.
    pub session: Session,
    /// Whether this call ended it.
    pub newly: bool,
}

/// All sessions of a user that have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSessions {
    /// How many live ones there were.
    pub count: u64,
    /// The user's generation from now on.
    pub generation: Generation,
}
