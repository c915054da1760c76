//! Sessions: begun, refreshed, ended, listed.

use super::{Storage, run};
use crate::{
    asks::{SessionFilter, SignIn},
    committed::Committed,
    context::{ChangeContext, Pagination},
    error::StorageError,
    outcomes::{EndedSession, EndedSessions, OutdatedSignIn, Refused, Rotated},
};
use auth_domain::{
    ids::{SessionId, UserId},
    rotation::{Presented, RotationPolicy},
    session::{EndReason, Session},
    time::Timestamp,
    user::User,
};

impl Storage {
    /// Begins a session in one transaction: if the user exists, is active and has the session's generation, it stores it,
    /// sets `last_login_at`, rewrites the hash if that still is `upgrade.from`, ends the oldest live sessions beyond
    /// `max_per_user`, and tells the user of a device that it does not know. Else nothing is written.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn start_session(
        &self,
        sign_in: SignIn,
        terms: ChangeContext,
    ) -> Result<Result<Committed<User>, OutdatedSignIn>, StorageError> {
        run!(self, write, sessions::start(&sign_in, &terms))
    }

    /// Decides about a presented refresh token (behaviour.md §3) and carries the decision out; `None`: no such session. Of
    /// any number of callers with one token, one rotates. A reuse is told by the one call that ended the session. `noted`: the
    /// audit log has a row for it, too.
    ///
    /// # Errors
    /// [`StorageError::Contended`] if its guard missed four times; see [`StorageError`].
    pub async fn rotate(
        &self,
        id: SessionId,
        presented: Presented,
        policy: RotationPolicy,
        noted: bool,
        terms: ChangeContext,
    ) -> Result<Committed<Option<Rotated>>, StorageError> {
        run!(
            self,
            write,
            rotation::rotate(id, &presented, &policy, noted, &terms)
        )
    }

    /// Ends a session; one that is not `owner`'s is not found.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn end_session(
        &self,
        id: SessionId,
        owner: Option<UserId>,
        why: EndReason,
        terms: ChangeContext,
    ) -> Result<Result<Committed<EndedSession>, Refused>, StorageError> {
        run!(self, write, sessions::end(id, owner, why, &terms))
    }

    /// Ends all sessions of a user and raises its generation.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn end_user_sessions(
        &self,
        id: UserId,
        why: EndReason,
        terms: ChangeContext,
    ) -> Result<Result<Committed<EndedSessions>, Refused>, StorageError> {
        run!(self, write, user_changes::end_sessions(id, why, &terms))
    }

    /// Ends all sessions of a user but `spare`: raises the generation, and lifts that one over, so that its access tokens die and
    /// its refresh token goes on.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn end_other_sessions(
        &self,
        id: UserId,
        spare: SessionId,
        why: EndReason,
        terms: ChangeContext,
    ) -> Result<Result<Committed<EndedSessions>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::end_other_sessions(id, spare, why, &terms)
        )
    }

    /// A session and its user, from one read.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn session(&self, id: SessionId) -> Result<Option<(Session, User)>, StorageError> {
        run!(self, look, sessions::session_with_user(id))
    }

    /// A part of a user's sessions, newest first.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn sessions(
        &self,
        user: UserId,
        filter: SessionFilter,
        now: Timestamp,
        page: Pagination,
    ) -> Result<Vec<Session>, StorageError> {
        run!(self, read, sessions::list(user, filter, now, page))
    }
}
