//! `introspect`: the state of a token, for another service (RFC 7662). A token that is not valid is inactive, and the answer does
//! not say why.

use crate::{
    parts::{
        failure::Failure,
        tokens::{TokenError, TokenRefused},
    },
    service::Service,
    sessions::refresh_token::unexpired,
};
use auth_domain::{
    claims::{AccessClaims, RefreshClaims},
    time::Timestamp,
    user::{User, UserStatus},
};
use std::sync::Arc;

/// The state of a token.
#[derive(Debug, Clone)]
pub enum Introspection {
    /// Unknown, expired, revoked, used, or not a token.
    Inactive,
    /// A valid access token.
    Access(Arc<AccessClaims>),
    /// The current refresh token of an active session.
    Refresh {
        /// Its claims.
        claims: RefreshClaims,
        /// The user it belongs to.
        user: Box<User>,
    },
}

impl Service {
    /// The state of this token now.
    pub async fn introspect(&self, token: &str, now: Timestamp) -> Result<Introspection, Failure> {
        match self.authenticate(token, now).await {
            Ok(principal) => return Ok(Introspection::Access(principal.claims)),
            Err(TokenError::Refused(TokenRefused::Invalid)) => {}
            Err(TokenError::Refused(_)) => {
                return Ok(Introspection::Inactive);
            }
            Err(TokenError::Failure(failure)) => return Err(failure),
        }
        let shown = self.refresh_claims(token, now);
        let Ok(claims) = shown.and_then(|claims| unexpired(claims, now)) else {
            return Ok(Introspection::Inactive);
        };
        let Some((session, user)) = self.storage().session(claims.sid).await? else {
            return Ok(Introspection::Inactive);
        };
        let current = session.rotation.number == claims.jti.number;
        let holds = current && user.status == UserStatus::Active && session.is_live(user.generation, now);
        Ok(if holds {
            Introspection::Refresh {
                claims,
                user: Box::new(user),
            }
        } else {
            Introspection::Inactive
        })
    }
}
