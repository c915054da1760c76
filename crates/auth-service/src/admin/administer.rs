//! What takes more than a verb of [`Admin`](crate::Admin): a role that the caller may not give is refused, and what signs follows a
//! rotation of the keys.

use crate::{
    admin::{error::AdminError, users::NewUser},
    parts::{caller::Caller, input::InputRefused, keys::KeyError, principal::Bearer},
    service::Service,
};
use auth_domain::{
    ids::UserId,
    role::Role,
    user::{DisplayName, User, UserStatus},
};
use auth_storage::users;

/// What is to change of a user, as it was typed; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChangeRequest {
    /// What they are called; `Some(None)` takes the name away.
    pub name: Option<Option<String>>,
    /// Their role's name.
    pub role: Option<String>,
    /// Whether they may sign in.
    pub status: Option<UserStatus>,
    /// Whether their address is known to be their own.
    pub email_verified: Option<bool>,
}

impl Service {
    /// Makes a user and mails them a link to choose their password.
    ///
    /// # Errors
    /// [`AdminError::UnknownRole`], [`AdminError::PermissionNotHeld`], [`AdminError::Input`],
    /// [`AdminError::EmailTaken`], or a failure.
    pub async fn invite_user(
        &self,
        by: &Bearer,
        wanted: NewUser,
        caller: &Caller,
    ) -> Result<User, AdminError> {
        self.role_to_give(by, &wanted.role)?;
        Ok(self.admin().invite_user(wanted, caller).await?.settle(self).await)
    }

    /// Changes a user's name, role, status or verification. Disabling them and changing their role end what they hold.
    ///
    /// # Errors
    /// [`AdminError::Input`], [`AdminError::UnknownRole`], [`AdminError::PermissionNotHeld`], [`AdminError::NotFound`],
    /// [`AdminError::LastAdmin`], or a failure.
    pub async fn change_user(
        &self,
        by: &Bearer,
        id: UserId,
        wanted: UserChangeRequest,
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

    /// Rotates the signing keys, and signs with the next one from now on; a compromised one is dropped with every token that
    /// it signed. The other nodes follow within a second.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`], [`KeyError::TooYoung`], [`KeyError::Forbidden`], or a failure.
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
        if held.iter().all(|one| self.bearer_may(bearer, *one)) {
            Ok(())
        } else {
            Err(AdminError::PermissionNotHeld)
        }
    }
}
