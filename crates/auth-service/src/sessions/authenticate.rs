//! `authenticate`: who calls. The one step that every bearer call goes through: signature (it may be remembered), then claims
//! and revocations, which are looked at on every call.

use crate::{parts::error::Error, service::Service};
use auth_domain::{
    claims::AccessClaims,
    ids::{SessionId, UserId},
    revocation::Verdict,
    role::{Permission, Role},
    time::Timestamp,
};
use std::sync::Arc;

/// Somebody whose access token holds.
#[derive(Debug, Clone)]
pub struct Principal {
    /// What the token says.
    pub claims: Arc<AccessClaims>,
}

impl Principal {
    /// The user.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.claims.sub
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.claims.sid
    }

    /// The role. A change of role cuts the tokens that name the old one.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.claims.role
    }
}

impl Service {
    /// Who the bearer of this access token is.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::TokenExpired`], [`Error::AllSessionsRevoked`], [`Error::TokenRevoked`], in this order;
    /// [`Error::Unavailable`] where nobody can say whether it was revoked.
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Result<Principal, Error> {
        let claims = self.verified_claims(token, now).await?;
        claims.check(
            self.config().issuer(),
            &self.config().tokens.audience,
            now,
            self.config().leeway(),
        )?;
        let asked = claims.token_ref();
        let blacklist = &self.shared().blacklist;
        let verdict = match blacklist.check_local(asked, now) {
            Some(verdict) => verdict,
            None => blacklist
                .check(asked, now)
                .await
                .map_err(|error| Error::Unavailable(error.to_string()))?,
        };
        match verdict {
            Verdict::Stands => Ok(Principal { claims }),
            Verdict::GenerationCut => Err(Error::AllSessionsRevoked),
            Verdict::Revoked => Err(Error::TokenRevoked),
        }
    }

    /// Why what somebody asked for was not done: they were cut off after their token was looked at.
    pub(crate) async fn cut_meanwhile(&self, principal: &Principal) -> Error {
        match self.storage().facts(principal.claims.token_ref()).await {
            Ok(facts) if facts.verdict(principal.claims.generation) == Verdict::GenerationCut => {
                Error::AllSessionsRevoked
            }
            Ok(_) => Error::TokenRevoked,
            Err(error) => error.into(),
        }
    }

    /// Whether the caller may do this.
    #[must_use]
    pub fn may(&self, principal: &Principal, permission: Permission) -> bool {
        self.roles().allows(principal.role(), permission)
    }

    /// What the caller may do.
    #[must_use]
    pub fn permissions_of(&self, principal: &Principal) -> &[Permission] {
        self.roles().held_by(principal.role())
    }

    /// The claims of a token with a good signature. For an unknown key the keys are loaded anew, once a second at most.
    pub(crate) async fn verified_claims(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<AccessClaims>, Error> {
        let shared = self.shared();
        if let Ok(claims) = shared.access.verify(token, &shared.keys.current())? {
            return Ok(claims);
        }
        shared.keys.reload_for_unknown(now).await?;
        shared
            .access
            .verify(token, &shared.keys.current())?
            .map_err(|_| Error::InvalidToken)
    }
}
