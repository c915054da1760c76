//! `revoke`: ends a token at another service's request (RFC 7009): an access token by itself, a refresh token with its session.

use crate::{
    parts::{
        caller::Caller,
        events::{Event, RevokedBy},
        failure::Failure,
        tokens::TokenError,
    },
    service::Service,
};
use auth_domain::{claims::ClaimsRefused, session::EndReason};
use chrono::DateTime;

impl Service {
    /// Revokes the token. An invalid token is no error (RFC 7009 §2.2).
    ///
    /// # Errors
    /// A failure: then the token may still be valid.
    pub async fn revoke(&self, token: &str, caller: &Caller) -> Result<(), Failure> {
        self.end_token(token, caller).await?;
        self.emit(Event::Revoked(RevokedBy::Revoke), caller);
        Ok(())
    }

    async fn end_token(&self, token: &str, caller: &Caller) -> Result<(), Failure> {
        let now = caller.now;
        match self.verified_claims(token, now).await {
            Ok(claims) => {
                let config = self.config();
                match claims.check(config.issuer(), &config.tokens.audience, now, config.leeway()) {
                    Ok(()) => {}
                    Err(ClaimsRefused::Invalid | ClaimsRefused::Expired) => return Ok(()),
                }
                let mut context = self.change_context(caller)?;
                let expiry = DateTime::from_timestamp(claims.exp, 0).unwrap_or(now);
                context.until_at_least = expiry + context.grace;
                let revoked = self.storage().revoke_token(claims.jti, context).await?;
                revoked.settle(self).await;
                return Ok(());
            }
            Err(TokenError::Failure(failure)) => return Err(failure),
            Err(_) => {}
        }
        if let Ok(claims) = self.refresh_claims(token, now) {
            // A session that is no longer stored has no valid tokens.
            self.end_one(claims.sid, claims.sub, EndReason::Revoked, caller)
                .await?
                .ok();
            return Ok(());
        }
        let state = self.state();
        if let Ok(Err(unknown)) = state.access.verify(token, &state.keys.current())
            && state.keys.may_be_known_elsewhere(&unknown).await
        {
            return Err(Failure::unavailable(
                "the token's key can't be read by this node, so the token may be valid on others",
            ));
        }
        Ok(())
    }
}
