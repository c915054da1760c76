//! The one check of a refresh token that somebody shows: its signature, then its claims. Nothing is read from it before.

use crate::{parts::error::Error, service::Service};
use auth_domain::{claims::RefreshClaims, time::Timestamp};

impl Service {
    /// What a refresh token says that was issued here. It may be past its time, and used, and its session may be over.
    ///
    /// # Errors
    /// [`Error::InvalidToken`].
    pub(crate) fn refresh_claims(&self, token: &str, now: Timestamp) -> Result<RefreshClaims, Error> {
        let claims = self.shared().refresh.verify(token)?;
        claims.check(self.config().issuer(), now, self.config().leeway())?;
        Ok(claims)
    }
}

/// The claims of a refresh token that is within its time.
///
/// # Errors
/// [`Error::TokenExpired`].
pub(crate) fn unexpired(claims: RefreshClaims, now: Timestamp) -> Result<RefreshClaims, Error> {
    if now < claims.expires_at() {
        Ok(claims)
    } else {
        Err(Error::TokenExpired)
    }
}
