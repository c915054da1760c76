//! `authenticate`: the authentication of a bearer token, which every call with one goes through. The signature may be cached;
//! claims and revocations are checked at every call.

use crate::{
    parts::{
        failure::Failure,
        principal::{Bearer, Principal},
        tokens::{TokenError, TokenRefused, sha256},
    },
    service::Service,
};
use auth_domain::{
    api_key::PREFIX,
    claims::AccessClaims,
    revocation::Verdict,
    role::Permission,
    time::{Span, Timestamp},
    user::UserStatus,
};
use auth_storage::{Committed, Refused};
use std::sync::Arc;

impl Service {
    /// Authenticates the bearer of an access token.
    ///
    /// # Errors
    /// [`TokenRefused::Invalid`], [`TokenRefused::Expired`], [`TokenRefused::AllSessionsRevoked`], [`TokenRefused::Revoked`], in this order;
    /// [`TokenError::Failure`] if the revocation state can't be read.
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Result<Principal, TokenError> {
        let claims = self.verified_claims(token, now).await?;
        let checked = claims.check(
            self.config().issuer(),
            &self.config().tokens.audience,
            now,
            self.config().leeway(),
        );
        checked.map_err(TokenRefused::from)?;
        let asked = claims.token_ref();
        let blacklist = &self.state().blacklist;
        let verdict = match blacklist.check_local(asked, now) {
            Some(verdict) => verdict,
            None => blacklist.check(asked, now).await.map_err(Failure::unavailable)?,
        };
        match verdict {
            Verdict::Valid => Ok(Principal { claims }),
            Verdict::AllSessionsRevoked => Err(TokenRefused::AllSessionsRevoked.into()),
            Verdict::Revoked => Err(TokenRefused::Revoked.into()),
        }
    }

    /// The value of a change that users made to what is theirs, after its effects were carried out. A refusal means that their
    /// token was revoked after it was checked.
    ///
    /// # Errors
    /// Those of [`Service::why_revoked`].
    pub(crate) async fn settle_own<T>(
        &self,
        principal: &Principal,
        made: Result<Committed<T>, Refused>,
    ) -> Result<T, TokenError> {
        match made {
            Ok(committed) => Ok(committed.settle(self).await),
            Err(_) => Err(self.why_revoked(principal).await),
        }
    }

    /// Why a change was refused: the token of the caller was revoked after it was checked.
    pub(crate) async fn why_revoked(&self, principal: &Principal) -> TokenError {
        match self.storage().facts(principal.claims.token_ref()).await {
            Ok(facts) if facts.verdict(principal.claims.generation) == Verdict::AllSessionsRevoked => {
                TokenRefused::AllSessionsRevoked.into()
            }
            Ok(_) => TokenRefused::Revoked.into(),
            Err(error) => error.into(),
        }
    }

    /// Whether the user has this permission.
    #[must_use]
    pub fn may(&self, principal: &Principal, permission: Permission) -> bool {
        self.roles().allows(principal.role(), permission)
    }

    /// The permissions of the user.
    #[must_use]
    pub fn permissions_of(&self, principal: &Principal) -> &[Permission] {
        self.roles().held_by(principal.role())
    }

    /// The claims of a token with a valid signature. For an unknown key the keys are reloaded, once a second at most.
    pub(crate) async fn verified_claims(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<AccessClaims>, TokenError> {
        let state = self.state();
        let verified = || {
            let found = state.access.verify(token, &state.keys.current());
            found.map_err(TokenRefused::from)
        };
        if let Ok(claims) = verified()? {
            return Ok(claims);
        }
        state.keys.reload_for_unknown_key(now).await?;
        Ok(verified()?.map_err(|_| TokenRefused::Invalid)?)
    }

    /// Authenticates the bearer of an access token or an API key.
    ///
    /// # Errors
    /// Those of [`Service::authenticate`].
    pub async fn authenticate_bearer(&self, token: &str, now: Timestamp) -> Result<Bearer, TokenError> {
        if !token.starts_with(PREFIX) {
            return self.authenticate(token, now).await.map(Bearer::Session);
        }
        // The look-up is by digest, so that the time of the comparison reveals nothing about the key.
        let holder = self.storage().api_key_holder(sha256(token.as_bytes())).await?;
        let holder = holder.ok_or(TokenRefused::Invalid)?;
        if !holder.key.is_live(now) {
            return Err(TokenRefused::Expired.into());
        }
        if holder.owner.status != UserStatus::Active {
            return Err(TokenRefused::Revoked.into());
        }
        let stale = holder
            .key
            .last_used_at
            .is_none_or(|at| now - at >= Span::minutes(1));
        if stale {
            self.storage().touch_api_key(holder.key.id, now).await?;
        }
        Ok(Bearer::Key(Box::new(holder)))
    }

    /// Whether the bearer has this permission. An API key has it only if its owner's role has it, too.
    #[must_use]
    pub fn bearer_may(&self, bearer: &Bearer, permission: Permission) -> bool {
        match bearer {
            Bearer::Session(principal) => self.may(principal, permission),
            Bearer::Key(holder) => holder.key.allows(self.roles(), &holder.owner.role, permission),
        }
    }
}
