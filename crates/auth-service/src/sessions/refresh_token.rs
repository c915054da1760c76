//! The one check of a refresh token that somebody shows: its signature, then its claims. Nothing is read from it before.

use crate::{parts::tokens::TokenRefused, service::Service};
use auth_domain::{claims::RefreshClaims, time::Timestamp};

impl Service {
    /// What a refresh token says that was issued here. It may be past its time, and used, and its session may be over.
    ///
    /// # Errors
    /// [`TokenRefused::Invalid`].
    pub(crate) fn refresh_claims(&self, token: &str, now: Timestamp) -> Result<RefreshClaims, TokenRefused> {
        let claims = self.state().refresh.verify(token)?;
        claims.check(self.config().issuer(), now, self.config().leeway())?;
        Ok(claims)
    }
}

/// The claims of a refresh token that is within its time.
///
/// # Errors
/// [`TokenRefused::Expired`].
pub(crate) fn unexpired(claims: RefreshClaims, now: Timestamp) -> Result<RefreshClaims, TokenRefused> {
    if now < claims.expires_at() {
        Ok(claims)
    } else {
        Err(TokenRefused::Expired)
    }
}
