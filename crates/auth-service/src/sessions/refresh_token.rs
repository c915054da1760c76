//! The one check of a presented refresh token: its signature, then its claims. The rule: nothing is read from a token before its
//! signature is verified.

use crate::{parts::tokens::TokenRefused, service::Service};
use auth_domain::{claims::RefreshClaims, time::Timestamp};

impl Service {
    /// The claims of a refresh token that this server issued. It may be expired or used, and its session may have ended.
    ///
    /// # Errors
    /// [`TokenRefused::Invalid`].
    pub(crate) fn refresh_claims(&self, token: &str, now: Timestamp) -> Result<RefreshClaims, TokenRefused> {
        let claims = self.state().refresh.verify(token)?;
        claims.check(self.config().issuer(), now, self.config().leeway())?;
        Ok(claims)
    }
}

/// The claims of a refresh token, if it has not expired.
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
