//! Sessions: started, refreshed, ended and listed. The rule: a row with an invalid value is an error, never a session.

use crate::{
    committed::Committed,
    context::{ChangeContext, Pagination, Refused},
    error::StorageError,
    fault::{Fault, corrupt},
    schema::sessions,
    sqlty::{Id, Ts},
    storage::{Storage, run},
    users::HashUpgrade,
};
use auth_domain::{
    authentication::Assurance,
    idempotency::IdempotencyDigest,
    ids::{SessionId, UserId},
    lineage::Rotation,
    rotation::{Decision, Presented, RotationPolicy},
    session::{EndReason, Origin, Session, SessionState},
    time::Timestamp,
    user::{Generation, User},
};
use diesel::prelude::*;

/// Which sessions of a user are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// Sessions that can still be refreshed.
    #[default]
    Active,
    /// Sessions that ended or expired.
    Ended,
    /// All sessions.
    All,
}

/// A sign-in to be stored.
#[derive(Clone)]
pub struct SignIn {
    /// The session that it starts.
    pub session: Session,
    /// The most active sessions that the user may have.
    pub max_per_user: u32,
    /// The new hash of the password, if the stored one is outdated.
    pub upgrade: Option<HashUpgrade>,
    /// Whether the device has signed in before. If not, the user gets a mail.
    pub known_device: bool,
    /// Whether the user signs in for the first time. Then they get no mail about a new device.
    pub first: bool,
}

/// The user was deleted or disabled, or their generation was raised, since the password was verified. No session was started, and
/// nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outdated;

/// The result of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The decision, which has been carried out.
    pub decision: Decision,
    /// The session after the refresh.
    pub session: Session,
    /// The user it belongs to.
    pub user: User,
    /// Whether this call ended the session because the token was reused. Of any number of concurrent callers, exactly one does.
    pub ended: bool,
}

/// A session that has ended, by this call or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub session: Session,
    /// Whether this call ended it.
    pub newly: bool,
}

/// The end of a user's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedAll {
    /// The number of active sessions that ended.
    pub count: u64,
    /// The user's new generation.
    pub generation: Generation,
}

impl Storage {
    /// Starts a session in one transaction, if the user exists, is active and has the session's generation. It stores the session, sets
    /// `last_login_at`, rewrites the hash if it is still `upgrade.from`, ends the oldest active sessions beyond `max_per_user`, and
    /// notifies the user of a new device by mail. Otherwise nothing is written.
    pub async fn start_session(
        &self,
        sign_in: SignIn,
        context: ChangeContext,
    ) -> Result<Result<Committed<User>, Outdated>, StorageError> {
        run!(self, write, sessions::start(&sign_in, &context))
    }

    /// Decides about a presented refresh token (docs/rules.md §3) and carries the decision out. `None`: there is no such session. Of any
    /// number of concurrent callers with the same token, one rotates it. Only the call that ended the session reports a reuse. `audited`
    /// says whether the audit log gets a row for a refresh.
    ///
    /// # Errors
    /// [`StorageError::Contended`] if concurrent requests changed the session before each of four attempts to write.
    pub async fn rotate(
        &self,
        id: SessionId,
        presented: Presented,
        policy: RotationPolicy,
        audited: bool,
        context: ChangeContext,
    ) -> Result<Committed<Option<Rotated>>, StorageError> {
        run!(
            self,
            write,
            rotation::rotate(id, &presented, &policy, audited, &context)
        )
    }

    /// Ends a session. With an `owner`, a session of another user is not found.
    pub async fn end_session(
        &self,
        id: SessionId,
        owner: Option<UserId>,
        why: EndReason,
        context: ChangeContext,
    ) -> Result<Result<Committed<Ended>, Refused>, StorageError> {
        run!(self, write, sessions::end(id, owner, why, &context))
    }

    /// Ends all sessions of a user and raises the user's generation.
    pub async fn end_user_sessions(
        &self,
        id: UserId,
        why: EndReason,
        context: ChangeContext,
    ) -> Result<Result<Committed<EndedAll>, Refused>, StorageError> {
        run!(self, write, user_changes::end_sessions(id, why, &context))
    }

    /// Ends all sessions of a user except `spare`. It raises the user's generation and carries `spare` over to it: the access tokens of
    /// `spare` are revoked, and its refresh token stays valid.
    pub async fn end_other_sessions(
        &self,
        id: UserId,
        spare: SessionId,
        why: EndReason,
        context: ChangeContext,
    ) -> Result<Result<Committed<EndedAll>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::end_other_sessions(id, spare, why, &context)
        )
    }

    /// A session and its user, from one read.
    pub async fn session(&self, id: SessionId) -> Result<Option<(Session, User)>, StorageError> {
        run!(self, look, sessions::session_with_user(id))
    }

    /// A part of a user's sessions, newest first.
    pub async fn sessions(
        &self,
        user: UserId,
        filter: Filter,
        now: Timestamp,
        page: Pagination,
    ) -> Result<Vec<Session>, StorageError> {
        run!(self, read, sessions::list(user, filter, now, page))
    }
}

/// A session as stored.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    pub(crate) id: Id,
    user_id: Id,
    generation: i64,
    created_at: Ts,
    rotation: i64,
    rotated_at: Ts,
    refresh_expires_at: Ts,
    access_until: Ts,
    idempotency_digest: Option<Vec<u8>>,
    ended_at: Option<Ts>,
    end_reason: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    authenticated_at: Option<Ts>,
    authentications: i64,
    amr: String,
}

impl SessionRow {
    pub(crate) fn of(session: &Session) -> Self {
        let (ended_at, end_reason) = match session.state {
            SessionState::Active => (None, None),
            SessionState::Ended { at, why } => (Some(Ts(at)), Some(why.as_str().to_owned())),
        };
        Self {
            id: Id(session.id.as_uuid()),
            user_id: Id(session.user.as_uuid()),
            generation: session.generation.number(),
            created_at: Ts(session.created_at),
            rotation: i64::from(session.rotation.number),
            rotated_at: Ts(session.rotation.rotated_at),
            refresh_expires_at: Ts(session.rotation.refresh_expires_at),
            access_until: Ts(session.rotation.access_until),
            idempotency_digest: session.rotation.key.map(|key| key.as_bytes().to_vec()),
            ended_at,
            end_reason,
            ip: session.origin.ip.map(|ip| ip.to_string()),
            user_agent: session.origin.user_agent.clone(),
            authenticated_at: Some(Ts(session.assurance.authenticated_at)),
            authentications: i64::from(session.authentications),
            amr: session.assurance.amr.to_string(),
        }
    }

    pub(crate) fn session(self) -> Result<Session, Fault> {
        let bad = |column| corrupt("sessions", column, self.id.0);
        let state = match (self.ended_at, self.end_reason.as_deref()) {
            (None, None) => SessionState::Active,
            (Some(at), Some(why)) => SessionState::Ended {
                at: at.0,
                why: EndReason::stored(why).ok_or_else(|| bad("end_reason"))?,
            },
            (None, Some(_)) => return Err(bad("ended_at")),
            (Some(_), None) => return Err(bad("end_reason")),
        };
        let key = match self.idempotency_digest.as_deref() {
            None => None,
            Some(bytes) => Some(bytes.try_into().map_err(|_| bad("idempotency_digest"))?),
        };
        let ip = self
            .ip
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| bad("ip"))?;
        Ok(Session {
            id: SessionId::from_uuid(self.id.0),
            user: UserId::from_uuid(self.user_id.0),
            generation: Generation::from_number(self.generation).ok_or_else(|| bad("generation"))?,
            created_at: self.created_at.0,
            rotation: Rotation {
                number: u32::try_from(self.rotation).map_err(|_| bad("rotation"))?,
                rotated_at: self.rotated_at.0,
                refresh_expires_at: self.refresh_expires_at.0,
                access_until: self.access_until.0,
                key: key.map(IdempotencyDigest::new),
            },
            state,
            origin: Origin {
                ip,
                user_agent: self.user_agent,
            },
            assurance: Assurance {
                // A version without this column started every session with a password.
                authenticated_at: self.authenticated_at.unwrap_or(self.created_at).0,
                amr: self.amr.parse().map_err(|_| bad("amr"))?,
            },
            authentications: u32::try_from(self.authentications).map_err(|_| bad("authentications"))?,
        })
    }
}

/// What an operation that ended or changed a session has to know about it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(crate) struct EndedRow {
    pub(crate) id: Id,
    generation: i64,
    refresh_expires_at: Ts,
    pub(crate) access_until: Ts,
}

impl EndedRow {
    /// Whether it could still be refreshed.
    pub(crate) fn is_live(&self, user_generation: Generation, now: Timestamp) -> bool {
        self.generation >= user_generation.number() && now < self.refresh_expires_at.0
    }
}
