//! The sessions of a user, as they see and end them.

use crate::{
    parts::{
        caller::Caller,
        events::{Event, RevokedBy},
        failure::Failure,
        principal::Principal,
    },
    service::Service,
    sessions::error::SessionError,
};
use auth_domain::{
    credential::SecurityEvent,
    ids::SessionId,
    session::{EndReason, Session},
    time::Timestamp,
};
use auth_storage::{Pagination, Refused, sessions};
use secrecy::SecretString;

/// A session as its user sees it.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// Whether it can still be refreshed.
    pub live: bool,
    /// Whether it is the session of this request.
    pub current: bool,
}

/// The result of ending all other sessions.
#[derive(Debug)]
pub struct OtherSessionsEnded {
    /// How many were active.
    pub count: u64,
    /// A new device token for this device, which stays known.
    pub device: Option<SecretString>,
}

impl Service {
    /// The caller's sessions, newest first.
    pub async fn own_sessions(
        &self,
        principal: &Principal,
        filter: sessions::Filter,
        page: Pagination,
        now: Timestamp,
    ) -> Result<Vec<SessionView>, Failure> {
        let sessions = self
            .storage()
            .sessions(principal.user(), filter, now, page)
            .await?;
        Ok(sessions
            .into_iter()
            .map(|session| view(principal, session, now))
            .collect())
    }

    /// One session of the caller.
    ///
    /// # Errors
    /// [`SessionError::NotFound`], also for another user's; or a failure.
    pub async fn own_session(
        &self,
        principal: &Principal,
        id: SessionId,
        now: Timestamp,
    ) -> Result<SessionView, SessionError> {
        let found = self.storage().session(id).await?;
        let (session, _) = found
            .filter(|(session, _)| session.user == principal.user())
            .ok_or(SessionError::NotFound)?;
        Ok(view(principal, session, now))
    }

    /// Ends a session of the caller; one that had ended stays as it was.
    ///
    /// # Errors
    /// [`SessionError::NotFound`], also for another user's; [`SessionError::Token`] if the caller's own session was ended
    /// meanwhile; or a failure.
    pub async fn end_own_session(
        &self,
        principal: &Principal,
        id: SessionId,
        caller: &Caller,
    ) -> Result<(), SessionError> {
        let why = if id == principal.session() {
            EndReason::Logout
        } else {
            EndReason::EndedByUser
        };
        match self.end_one(id, principal.user(), why, caller).await? {
            Err(Refused::CallerRevoked) => return Err(self.why_revoked(principal).await.into()),
            ended => ended.map(drop).map_err(|_| SessionError::NotFound)?,
        }
        self.emit(Event::Revoked(RevokedBy::Session), caller);
        Ok(())
    }

    /// Ends every session of the caller but this one, and returns how many were active. There is one revocation, and so one
    /// announcement, however many sessions there are: this session's access token ends with the others', and its refresh token
    /// stays valid. The devices of the other sessions are not known any longer. The answer has a new device token for this one.
    ///
    /// # Errors
    /// [`SessionError::RateLimited`], [`SessionError::Token`] if the session was ended meanwhile, or a failure.
    pub async fn end_other_sessions(
        &self,
        principal: &Principal,
        caller: &Caller,
    ) -> Result<OtherSessionsEnded, SessionError> {
        self.admit_user(principal.user(), caller).await?;
        let context = self.admin().revocation_context(caller)?;
        let ended = self
            .storage()
            .end_other_sessions(
                principal.user(),
                principal.session(),
                EndReason::EndedByUser,
                context,
            )
            .await?;
        let ended = OtherSessionsEnded {
            count: self.settle_own(principal, ended).await?.count,
            device: self.device_after(SecurityEvent::OtherSessionsEnded, principal.user(), caller)?,
        };
        self.emit(Event::Revoked(RevokedBy::LogoutAll), caller);
        Ok(ended)
    }
}

/// The token is valid, so its generation is that of its user.
fn view(principal: &Principal, session: Session, now: Timestamp) -> SessionView {
    let live = session.is_live(principal.claims.generation, now);
    SessionView {
        live,
        current: session.id == principal.session(),
        session,
    }
}
