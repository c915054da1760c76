//! `me`: the caller's own account, as stored now.

use crate::{authenticate::Principal, error::Error, service::Service};
use auth_domain::{
    time::Timestamp,
    user::{DisplayName, User},
};
use auth_storage::{UserChange, UserOutcome};

impl Service {
    /// The caller as stored now.
    ///
    /// # Errors
    /// [`Error::TokenRevoked`] if it was deleted in this moment, or a failure.
    pub async fn me(&self, principal: &Principal) -> Result<User, Error> {
        self.storage()
            .user(principal.user())
            .await?
            .ok_or(Error::TokenRevoked)
    }

    /// Changes the caller's name; `None` takes it away.
    ///
    /// # Errors
    /// [`Error::InvalidName`], or a failure.
    pub async fn rename(
        &self,
        principal: &Principal,
        name: Option<String>,
        now: Timestamp,
    ) -> Result<User, Error> {
        let name = name.as_deref().map(DisplayName::parse).transpose()?;
        let change = UserChange {
            name: Some(name),
            ..UserChange::default()
        };
        let admin = self.admin();
        let changed = self
            .storage()
            .change_user(
                principal.user(),
                change,
                admin.administrators(),
                admin.cut_terms(now),
            )
            .await?;
        match changed {
            UserOutcome::Changed { user, .. } => Ok(user),
            UserOutcome::NotFound => Err(Error::TokenRevoked),
            UserOutcome::LastAdmin => Err(Error::LastAdmin),
        }
    }
}
