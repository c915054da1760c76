//! `administer`: what an administrator does to a running service. A page and a JSON route call the same verb, which settles what the
//! verb of [`Admin`](crate::Admin) committed; the command line settles the same in its own way.

use crate::{
    admin::{accounts::NewAccount, error::AdminError},
    parts::{caller::Caller, input::InputRefused, keys::KeyError, principal::Bearer},
    service::Service,
};
use auth_domain::{
    ids::{SessionId, UserId},
    role::Role,
    user::{DisplayName, User, UserStatus},
};
use auth_storage::users;

/// What is to change of a user, as it was typed; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedChange {
    /// What it is called; `Some(None)` takes the name away.
    pub name: Option<Option<String>>,
    /// Its role's name.
    pub role: Option<String>,
    /// Whether it may sign in.
    pub status: Option<UserStatus>,
    /// Whether its address is known to be its own.
    pub email_verified: Option<bool>,
}

impl Service {
    /// Makes a user and mails it a link to choose its password.
    ///
    /// # Errors
    /// [`AdminError::UnknownRole`], [`AdminError::PermissionNotHeld`], [`AdminError::Input`],
    /// [`AdminError::EmailTaken`], or a failure.
    pub async fn invite_user(
        &self,
        by: &Bearer,
        wanted: NewAccount,
        caller: &Caller,
    ) -> Result<User, AdminError> {
        self.role_to_give(by, &wanted.role)?;
        Ok(self.admin().invite_user(wanted, caller).await?.settle(self).await)
    }

    /// Changes a user's name, role, status or verification. Disabling it and changing its role end what it holds.
    ///
    /// # Errors
    /// [`AdminError::Input`], [`AdminError::UnknownRole`], [`AdminError::PermissionNotHeld`], [`AdminError::NotFound`],
    /// [`AdminError::LastAdmin`], or a failure.
    pub async fn change_account(
        &self,
        by: &Bearer,
        id: UserId,
        wanted: WantedChange,
        caller: &Caller,
    ) -> Result<User, AdminError> {
        let parse = |name: Option<String>| name.as_deref().map(DisplayName::parse).transpose();
        let change = users::Change {
            name: wanted.name.map(parse).transpose().map_err(InputRefused::from)?,
            role: wanted.role.map(|role| self.role_to_give(by, &role)).transpose()?,
            status: wanted.status,
            email_verified_at: wanted
                .email_verified
                .map(|verified| verified.then_some(caller.now)),
        };
        let changed = self.admin().change_user(id, change, caller).await?;
        Ok(changed.settle(self).await.user)
    }

    /// Deletes a user and all it owns.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::LastAdmin`], or a failure.
    pub async fn delete_account(&self, id: UserId, caller: &Caller) -> Result<(), AdminError> {
        self.admin().delete_user(id, caller).await?.settle(self).await;
        Ok(())
    }

    /// The panic button: ends every kind of credential that a user has.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn lock_out_account(&self, id: UserId, caller: &Caller) -> Result<(), AdminError> {
        self.admin().lock_out(id, caller).await?.settle(self).await;
        Ok(())
    }

    /// Mails a user a link to choose a new password.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn send_reset_to(&self, id: UserId, caller: &Caller) -> Result<(), AdminError> {
        self.admin().send_reset(id, caller).await?.settle(self).await;
        Ok(())
    }

    /// Ends all of a user's sessions, and answers how many lived.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn end_sessions_of(&self, id: UserId, caller: &Caller) -> Result<u64, AdminError> {
        let ended = self.admin().end_sessions(id, caller).await?;
        Ok(ended.settle(self).await.count)
    }

    /// Ends one session of a user; one that had ended stays as it was.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], also for another user's; or a failure.
    pub async fn end_session_of(
        &self,
        id: UserId,
        session: SessionId,
        caller: &Caller,
    ) -> Result<(), AdminError> {
        let ended = self.admin().end_session(session, Some(id), caller).await?;
        ended.settle(self).await;
        Ok(())
    }

    /// Rotates the signing keys, and signs with the next one from now on; a compromised one is dropped with every token that
    /// it signed. The other nodes follow within a second.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`], [`KeyError::TooYoung`], or a failure.
    pub async fn rotate_keys(&self, compromised: bool, caller: &Caller) -> Result<(), KeyError> {
        let keys = self.key_admin().ok_or(KeyError::SharedSecret)?;
        if compromised {
            keys.replace_compromised(caller).await?;
        } else {
            keys.rotate(caller).await?;
        }
        Ok(self.reload_keys().await?)
    }

    fn role_to_give(&self, by: &Bearer, name: &str) -> Result<Role, AdminError> {
        let role = self.admin().known_role(name)?;
        self.check_may_give(by, &role)?;
        Ok(role)
    }

    /// Whether the bearer may give this role: a bearer can't grant a permission that they don't hold.
    ///
    /// # Errors
    /// [`AdminError::PermissionNotHeld`].
    fn check_may_give(&self, bearer: &Bearer, role: &Role) -> Result<(), AdminError> {
        let held = self.roles().held_by(role);
        if held.iter().all(|one| self.permits(bearer, *one)) {
            Ok(())
        } else {
            Err(AdminError::PermissionNotHeld)
        }
    }
}
