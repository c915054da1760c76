//! What callers get back. An outcome that must persist is a value: an `Err` only ever means that the store failed.

use crate::asks::Pending;
use auth_domain::{
    api_key::ApiKey,
    credential::SecurityEvent,
    email::EmailAddress,
    ids::UserId,
    password_hash::PasswordHash,
    revocation::Revocation,
    rotation::Decision,
    session::Session,
    time::Timestamp,
    user::{Generation, User},
};

/// Whether a user was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertedUser {
    /// It was.
    Created(User),
    /// Another user has the address; nothing was written.
    EmailTaken,
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

/// What came of a one-time token that was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// It was used up, and this is what it did.
    Done {
        /// The user after it.
        user: User,
        /// What it was, if it ended anything.
        event: Option<SecurityEvent>,
        /// What has to be announced.
        revocations: Vec<Revocation>,
    },
    /// No such token, or it was used, or is past its time; nothing was written.
    InvalidToken,
    /// Another user has the address by now; nothing was written.
    EmailTaken,
    /// The link alone does not do it: it takes a session of the account or its password as well, or for a first confirmation a
    /// new password; nothing was written.
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

/// What came of a key to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertedKey {
    /// It is there.
    Created,
    /// The user has as many as it may; nothing was written.
    TooMany,
    /// There is no such user; nothing was written.
    NoUser,
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

/// What came of a change of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserOutcome {
    /// It was changed.
    Changed {
        /// The user after the change; before it, if it was deleted.
        user: User,
        /// What has to be announced.
        revocations: Vec<Revocation>,
        /// How many live sessions ended.
        sessions_ended: u64,
    },
    /// There is no such user.
    NotFound,
    /// It is the last administrator; nothing was written.
    LastAdmin,
}

/// What came of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartedSession {
    /// The session is there.
    Started {
        /// The oldest sessions, which ended to make room.
        displaced: Vec<Revocation>,
        /// The user after the sign-in.
        user: User,
    },
    /// The user was deleted or disabled, or its generation was raised, since the password was verified: nothing was written.
    Outdated,
}

/// What came of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// What was decided, and is carried out.
    pub decision: Decision,
    /// The session after it.
    pub session: Session,
    /// Its user.
    pub user: User,
    /// What has to be announced: on reuse, by the one call that ended the session.
    pub revocations: Vec<Revocation>,
}

/// A session that has ended, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// The session.
    pub session: Session,
    /// Whether this call ended it.
    pub newly: bool,
    /// What has to be announced. Also if it had ended before: the one who ended it may have died before announcing it.
    pub revocations: Vec<Revocation>,
}

/// All sessions of a user that have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSessions {
    /// How many live ones there were.
    pub count: u64,
    /// The user's generation from now on.
    pub generation: Generation,
    /// What has to be announced.
    pub revocations: Vec<Revocation>,
}
