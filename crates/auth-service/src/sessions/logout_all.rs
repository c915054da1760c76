//! `logout_all`: ends every session of the user by raising the user's generation. They can sign in again at once, on every node.

use crate::{
    parts::{
        caller::Caller,
        events::{Event, RevokedBy},
        principal::Principal,
    },
    service::Service,
    sessions::error::SessionError,
};
use auth_domain::session::EndReason;

impl Service {
    /// Ends every session of the caller, and returns how many were active.
    ///
    /// # Errors
    /// [`SessionError::Token`] if the caller's session was ended meanwhile, or a failure.
    pub async fn logout_all(&self, principal: &Principal, caller: &Caller) -> Result<u64, SessionError> {
        let context = self.admin().revocation_context(caller)?;
        let ended = self
            .storage()
            .end_user_sessions(principal.user(), EndReason::LogoutAll, context)
            .await?;
        let ended = self.settle_own(principal, ended).await?;
        self.emit(Event::Revoked(RevokedBy::LogoutAll), caller);
        Ok(ended.count)
    }
}
