//! `logout`: ends one session: this access token, every other one of the session, and its refresh token.

use crate::{
    parts::{caller::Caller, error::Error, principal::Principal},
    service::Service,
};
use auth_domain::{
    audit::Actor,
    ids::{SessionId, UserId},
    session::EndReason,
};

impl Service {
    /// Ends the caller's session.
    ///
    /// # Errors
    /// A failure: then nothing was ended, and nothing may be answered as if it were (RFC 7009 §2.2.1).
    pub async fn logout(&self, principal: &Principal, caller: &Caller) -> Result<(), Error> {
        self.end_one(principal.session(), principal.user(), EndReason::Logout, caller)
            .await
            .map(drop)
    }

    /// Ends the session of a refresh token; any of the session's tokens will do.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::TokenExpired`], [`Error::TokenRevoked`] if it had ended before, or a failure.
    pub async fn logout_with_refresh_token(&self, token: &str, caller: &Caller) -> Result<(), Error> {
        let now = caller.now;
        let claims = self.shared().refresh.verify(token)?;
        claims.check(self.config().issuer(), now, self.config().leeway())?;
        if now >= claims.expires_at() {
            return Err(Error::TokenExpired);
        }
        match self
            .end_one(
                claims.sid,
                claims.sub,
                EndReason::Logout,
                &caller.clone().proved(Actor::User(claims.sub)),
            )
            .await?
        {
            Some(true) => Ok(()),
            Some(false) => Err(Error::TokenRevoked),
            None => Err(Error::InvalidToken),
        }
    }

    /// Ends a session of a user. Answers whether it was this call that did; `None` if the user has no such session.
    pub(crate) async fn end_one(
        &self,
        session: SessionId,
        owner: UserId,
        why: EndReason,
        caller: &Caller,
    ) -> Result<Option<bool>, Error> {
        let ended = self
            .storage()
            .end_session(session, Some(owner), why, self.terms(caller)?)
            .await?;
        let Some(ended) = ended else { return Ok(None) };
        self.announce(&ended.revocations).await;
        Ok(Some(ended.newly))
    }
}
