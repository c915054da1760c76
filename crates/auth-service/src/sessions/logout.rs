//! `logout`: ends one session, with all of its access tokens and its refresh token.

use crate::{
    parts::{
        caller::Caller,
        events::{Event, RevokedBy},
        failure::Failure,
        principal::Principal,
        tokens::TokenRefused,
    },
    service::Service,
    sessions::{error::SessionError, refresh_token::unexpired},
};
use auth_domain::{
    audit::Actor,
    claims::RefreshClaims,
    ids::{SessionId, UserId},
    session::EndReason,
};
use auth_storage::Refused;

impl Service {
    /// Ends the caller's session.
    ///
    /// # Errors
    /// A failure: then the session was not ended, and the answer must not say that it was (RFC 7009 §2.2.1).
    pub async fn logout(&self, principal: &Principal, caller: &Caller) -> Result<(), SessionError> {
        // A session that is no longer stored has ended, too.
        self.end_one(principal.session(), principal.user(), EndReason::Logout, caller)
            .await?
            .ok();
        self.emit(Event::Revoked(RevokedBy::Logout), caller);
        Ok(())
    }

    /// Ends the session of a refresh token. Any refresh token of the session is accepted.
    ///
    /// # Errors
    /// [`SessionError::Token`], also if it had ended before, or a failure.
    pub async fn logout_with_refresh_token(&self, token: &str, caller: &Caller) -> Result<(), SessionError> {
        let claims = unexpired(self.refresh_claims(token, caller.now)?, caller.now)?;
        self.end_session_of_token(&claims, caller).await?;
        self.emit(Event::Revoked(RevokedBy::Logout), caller);
        Ok(())
    }

    /// Ends the session of a genuine refresh token, for its holder.
    ///
    /// # Errors
    /// [`SessionError::Token`] if it had ended before, or a failure.
    pub(crate) async fn end_session_of_token(
        &self,
        claims: &RefreshClaims,
        caller: &Caller,
    ) -> Result<(), SessionError> {
        let holder = caller.clone().authenticated_as(Actor::User(claims.sub));
        match self
            .end_one(claims.sid, claims.sub, EndReason::Logout, &holder)
            .await?
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(TokenRefused::Revoked.into()),
            Err(_) => Err(TokenRefused::Invalid.into()),
        }
    }

    /// Ends a session of a user. Returns whether it was active before.
    pub(crate) async fn end_one(
        &self,
        session: SessionId,
        owner: UserId,
        why: EndReason,
        caller: &Caller,
    ) -> Result<Result<bool, Refused>, Failure> {
        let ended = self
            .storage()
            .end_session(session, Some(owner), why, self.change_context(caller)?)
            .await?;
        Ok(match ended {
            Ok(ended) => Ok(ended.settle(self).await.newly),
            Err(refused) => Err(refused),
        })
    }
}
