//! Users, as administrators create, find, change and delete them. A change over HTTP can't grant a role with a permission that the
//! administrator does not hold.

use crate::{
    admin::error::AdminError,
    parts::{
        admin::Admin, caller::Caller, entropy::random_bytes, failure::Failure, input::InputRefused,
        principal::Bearer,
    },
    service::Service,
};
use auth_domain::{
    email::{EmailAddress, EmailError},
    ids::UserId,
    password_hash::PasswordHash,
    role::Role,
    time::Timestamp,
    user::{DisplayName, User, UserStatus},
};
use auth_storage::{
    Committed, Pagination, StorageError,
    users::{self, EmailTaken},
};
use secrecy::SecretString;

/// A user to create.
pub struct NewUser {
    /// The address, as typed.
    pub email: String,
    /// Their password; without one they can't sign in until one is set.
    pub password: Option<SecretString>,
    /// Their display name.
    pub name: Option<String>,
    /// The name of their role.
    pub role: String,
    /// Whether the address counts as confirmed.
    pub email_verified: bool,
}

/// The changes to a user, as typed. A field that is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChangeRequest {
    /// Their display name; `Some(None)` removes it.
    pub name: Option<Option<String>>,
    /// Their role's name.
    pub role: Option<String>,
    /// Whether they may sign in.
    pub status: Option<UserStatus>,
    /// Whether their address counts as confirmed.
    pub email_verified: Option<bool>,
}

/// A user, named by their id or by their address.
#[derive(Debug, Clone)]
pub enum UserRef {
    /// By id.
    Id(UserId),
    /// By address.
    Email(EmailAddress),
}

impl std::str::FromStr for UserRef {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        match text.trim().parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Ok(Self::Email(EmailAddress::parse(text)?)),
        }
    }
}

impl Admin {
    /// Creates a user.
    ///
    /// # Errors
    /// [`AdminError::Input`], [`AdminError::UnknownRole`], [`AdminError::EmailTaken`],
    /// or a failure.
    pub async fn create_user(&self, wanted: NewUser, by: &Caller) -> Result<Committed<User>, AdminError> {
        let user = self.new_account(wanted, by).await?;
        let made = self
            .storage()
            .insert_user(user, None, None, self.change_context(by)?);
        Ok(made.await??)
    }

    /// Creates a user and sends them a link to choose a password.
    ///
    /// # Errors
    /// Those of [`Admin::create_user`].
    pub async fn invite_user(&self, wanted: NewUser, by: &Caller) -> Result<Committed<User>, AdminError> {
        let user = self.new_account(wanted, by).await?;
        Ok(self
            .storage()
            .invite_user(user, self.change_context(by)?)
            .await??)
    }

    async fn new_account(&self, wanted: NewUser, by: &Caller) -> Result<users::New, AdminError> {
        let email = EmailAddress::parse(&wanted.email).map_err(InputRefused::from)?;
        let name = wanted.name.as_deref().map(DisplayName::parse).transpose();
        let name = name.map_err(InputRefused::from)?;
        let role = self.known_role(&wanted.role)?;
        let password_hash = match wanted.password {
            Some(password) => Some(
                self.hasher()
                    .accept_and_hash(password, &email, name.as_ref())
                    .await?,
            ),
            None => None,
        };
        Ok(users::New {
            id: self.new_user_id(by.now)?,
            email,
            name,
            role,
            status: UserStatus::Active,
            email_verified_at: wanted.email_verified.then_some(by.now),
            created_at: by.now,
            password_hash,
        })
    }

    /// Stores users of another server in one transaction. Returns for each, in order, whether the address was free.
    ///
    /// # Errors
    /// A failure; then none of them is stored.
    pub async fn import_users(
        &self,
        users: Vec<users::New>,
        by: &Caller,
    ) -> Result<Vec<Result<User, EmailTaken>>, Failure> {
        Ok(self
            .storage()
            .import_users(users, self.change_context(by)?)
            .await?)
    }

    /// A new user's id.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without entropy.
    pub fn new_user_id(&self, now: Timestamp) -> Result<UserId, Failure> {
        Ok(UserId::from_parts(now, random_bytes(self.entropy())?))
    }

    /// The role of this name.
    ///
    /// # Errors
    /// [`AdminError::UnknownRole`].
    pub fn known_role(&self, name: &str) -> Result<Role, AdminError> {
        name.parse()
            .ok()
            .filter(|role| self.roles().knows(role))
            .ok_or(AdminError::UnknownRole)
    }

    /// Users, newest first.
    pub async fn users(&self, mut filter: users::Filter, page: Pagination) -> Result<Vec<User>, Failure> {
        // Spaces around the query are removed, as they are around an address: neither an address nor a name begins or ends with
        // one.
        filter.query = filter.query.map(|query| query.trim().to_owned());
        Ok(self.storage().users(filter, page).await?)
    }

    /// One user.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn user(&self, account: &UserRef) -> Result<User, AdminError> {
        let found = match account {
            UserRef::Id(id) => self.storage().user(*id).await?,
            UserRef::Email(email) => self.storage().user_by_email(email).await?,
        };
        found.ok_or(AdminError::NotFound)
    }

    /// How a user's password is stored, for operators who help users: `none`, `none (locked out)`, `argon2id`, or `imported (…)`
    /// with the scheme of another server.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn password_status(&self, id: UserId) -> Result<String, AdminError> {
        let found = match self.storage().credentials_of(id).await {
            Ok(found) => found.ok_or(AdminError::NotFound)?,
            Err(StorageError::Corrupt { column, .. }) => return Ok(format!("no valid {column}")),
            Err(error) => return Err(error.into()),
        };
        Ok(match found.password_hash {
            None if found.password_changed_at.is_some() => "none (locked out)".to_owned(),
            None => "none".to_owned(),
            Some(hash) if hash.name() == "argon2id" => "argon2id".to_owned(),
            Some(hash) => format!("imported ({})", hash.name()),
        })
    }

    /// Changes a user. A change of role or status takes effect at once on the tokens that they already have.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::LastAdmin`], or a failure.
    pub async fn change_user(
        &self,
        user: UserId,
        change: users::Change,
        by: &Caller,
    ) -> Result<Committed<users::Changed>, AdminError> {
        if change.role.as_ref().is_some_and(|role| !self.roles().knows(role)) {
            return Err(AdminError::UnknownRole);
        }
        Ok(self
            .storage()
            .change_user(user, change, self.administrators(), self.revocation_context(by)?)
            .await??)
    }

    /// Sets a user's password and ends all of their sessions.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Input`], or a failure.
    pub async fn set_password(
        &self,
        user: &User,
        password: SecretString,
        by: &Caller,
    ) -> Result<Committed<users::Changed>, AdminError> {
        let hash: PasswordHash = self
            .hasher()
            .accept_and_hash(password, &user.email, user.name.as_ref())
            .await?;
        Ok(self
            .storage()
            .set_password(user.id, hash, None, self.revocation_context(by)?)
            .await??)
    }

    /// Deletes a user and everything that belongs to them.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::LastAdmin`], or a failure.
    pub async fn delete_user(
        &self,
        user: UserId,
        by: &Caller,
    ) -> Result<Committed<users::Changed>, AdminError> {
        Ok(self
            .storage()
            .delete_user(user, self.administrators(), self.revocation_context(by)?)
            .await??)
    }
}

impl Admin {
    /// Locks a user out: ends every kind of credential that they have. They need a reset to sign in again; a mail says so.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn lock_out(&self, user: UserId, by: &Caller) -> Result<Committed<users::Changed>, AdminError> {
        Ok(self
            .storage()
            .lock_out(user, self.revocation_context(by)?)
            .await??)
    }

    /// Sends a user a link to choose a new password.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or a failure.
    pub async fn send_reset(&self, user: UserId, by: &Caller) -> Result<Committed<()>, AdminError> {
        Ok(self
            .storage()
            .mail_reset(user, self.change_context(by)?)
            .await??)
    }
}

impl Service {
    /// Creates a user and sends them a link to choose a password.
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
        self.grantable_role(by, &wanted.role)?;
        Ok(self.admin().invite_user(wanted, caller).await?.settle(self).await)
    }

    /// Changes a user's name, role, status or verification. Disabling them and changing their role end their tokens.
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
            role: wanted
                .role
                .map(|role| self.grantable_role(by, &role))
                .transpose()?,
            status: wanted.status,
            email_verified_at: wanted
                .email_verified
                .map(|verified| verified.then_some(caller.now)),
        };
        let changed = self.admin().change_user(id, change, caller).await?;
        Ok(changed.settle(self).await.user)
    }

    /// The role of this name, if the bearer may grant it: a bearer can't grant a permission that they don't hold.
    ///
    /// # Errors
    /// [`AdminError::UnknownRole`], [`AdminError::PermissionNotHeld`].
    fn grantable_role(&self, bearer: &Bearer, name: &str) -> Result<Role, AdminError> {
        let role = self.admin().known_role(name)?;
        let held = self.roles().held_by(&role);
        if held.iter().all(|one| self.bearer_may(bearer, *one)) {
            Ok(role)
        } else {
            Err(AdminError::PermissionNotHeld)
        }
    }
}
