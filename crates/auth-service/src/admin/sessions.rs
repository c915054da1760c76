//! Sessions of users, as administrators list and end them.

use crate::{
    admin::error::AdminError,
    parts::{admin::Admin, caller::Caller, failure::Failure},
};
use auth_domain::{
    ids::{SessionId, UserId},
    session::{EndReason, Session},
    time::Timestamp,
};
use auth_storage::{Committed, Pagination, sessions};

impl Admin {
    /// A user's sessions, newest first.
    pub async fn sessions(
        &self,
        user: UserId,
        filter: sessions::Filter,
        page: Pagination,
        now: Timestamp,
    ) -> Result<Vec<Session>, Failure> {
        Ok(self.storage().sessions(user, filter, now, page).await?)
    }

    /// Ends a session; with an owner, only if it is theirs.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn end_session(
        &self,
        id: SessionId,
        owner: Option<UserId>,
        by: &Caller,
    ) -> Result<Committed<sessions::Ended>, AdminError> {
        Ok(self
            .storage()
            .end_session(id, owner, EndReason::EndedByAdmin, self.change_context(by)?)
            .await??)
    }

    /// Ends all of a user's sessions.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn end_sessions(
        &self,
        user: UserId,
        by: &Caller,
    ) -> Result<Committed<sessions::EndedAll>, AdminError> {
        Ok(self
            .storage()
            .end_user_sessions(user, EndReason::EndedByAdmin, self.revocation_context(by)?)
            .await??)
    }
}
