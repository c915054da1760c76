//! What callers get back. An outcome that must persist is a value: an `Err` only ever means that the store failed.

use crate::asks::Pending;
use auth_domain::{
    api_key::ApiKey,
    audit::{AuditEvent, Seal},
    credential::SecurityEvent,
    email::EmailAddress,
    ids::{MailId, UserId},
    keys::KeyStanding,
    mail::MailKind,
    password_hash::PasswordHash,
    revocation::Revocation,
    rotation::Decision,
    session::Session,
    time::{Span, Timestamp},
    user::{Generation, User},
};
use std::collections::BTreeMap;

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

/// A mail that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMail {
    /// Its row.
    pub id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// Whom it concerns; `None` for one that was asked for by address.
    pub user: Option<UserId>,
    /// Where to, if not to the user's stored address; as typed.
    pub recipient: Option<String>,
    /// What it says beside its kind.
    pub facts: BTreeMap<String, String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How often it has been tried, this time included.
    pub attempts: u32,
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

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailEnd {
    /// The server took it.
    Sent,
    /// There was nobody to send it to, or it was void.
    Dropped,
    /// It was given up.
    Failed(String),
    /// It is tried again, so much later.
    Later(Span, String),
}

/// A mail that was not sent at the first attempt: it waits for the next one, or it was given up. Whom it is for is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubledMail {
    /// Its row.
    pub id: MailId,
    /// The stored word for what it is about.
    pub kind: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How often it has been tried.
    pub attempts: u32,
    /// Whether it was given up.
    pub given_up: bool,
    /// Whether what it takes to send it is still there.
    pub whole: bool,
    /// What went wrong.
    pub why: String,
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailFigures {
    /// How many wait.
    pub waiting: u64,
    /// How many were given up and are still shown.
    pub failed: u64,
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

/// A sealed batch of the audit log, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBatch {
    /// Its seal.
    pub seal: Seal,
    /// Its events, in the order of their ids.
    pub events: Vec<AuditEvent>,
    /// How many of its rows fit no event.
    pub unreadable: u64,
}

/// Where the audit log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditStanding {
    /// What says which seal is the newest, if anything does.
    pub mark: Option<Vec<u8>>,
    /// The newest seal.
    pub newest: Option<Seal>,
    /// How many rows no seal covers yet.
    pub unsealed: u64,
}

/// What came of a round of sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRound {
    /// The seal that was made, if there was anything to seal.
    pub seal: Option<Seal>,
    /// The rows that were set aside.
    pub refused: Vec<RefusedRow>,
}

/// A row of the audit log that no seal takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// The rows of the audit log that no seal takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRows {
    /// How many.
    pub count: u64,
    /// The ids of the first of them.
    pub ids: Vec<String>,
}

/// What came of removing verified batches of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneOutcome {
    /// They are gone.
    Done,
    /// Another node was first.
    Overtaken,
    /// The rows are not those that were verified: somebody changed them in between. Nothing was removed.
    Changed,
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

/// Revocations as read, and the database's clock before the read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationBatch {
    /// Each with its `recorded_at`.
    pub revocations: Vec<(Revocation, Timestamp)>,
    /// The database's clock.
    pub database_now: Timestamp,
}

/// A signing key as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Where it stands.
    pub standing: KeyStanding,
    /// The `alg` it signs with.
    pub algorithm: String,
    /// The public part, as a JWK.
    pub public_jwk: String,
    /// The private part, sealed with the master key.
    pub sealed: Vec<u8>,
}

/// What came of a request for a set-up token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupTokenIssue {
    /// It is stored.
    Issued,
    /// There is an administrator; nothing was written.
    AdministratorExists,
    /// Another one is live and was not to be replaced; nothing was written.
    AlreadyLive,
}

/// What came of a set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupOutcome {
    /// The first administrator is there, and signed in.
    Created(User),
    /// There is an administrator already; nothing was written.
    Closed,
    /// No such token, or it was used, or is past its time; nothing was written.
    InvalidToken,
    /// Another user has the address; nothing was written, and the token is still good.
    EmailTaken,
}

/// How often something happened in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCount {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The stored word for what happened.
    pub kind: String,
    /// How often.
    pub count: u64,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Revocations that concern no living token.
    pub revocations: u64,
    /// Sessions that ended or expired long ago.
    pub sessions: u64,
    /// One-time tokens past their time.
    pub one_time_tokens: u64,
    /// Retired keys.
    pub keys: u64,
    /// Mails that are done with.
    pub mails: u64,
    /// API keys past their time.
    pub api_keys: u64,
    /// Counts of hours long ago.
    pub activity: u64,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey")
            .field("standing", &self.standing)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
