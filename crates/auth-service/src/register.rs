//! `register`: makes a user of the role `user` and signs it in, in one transaction.

use crate::{
    error::Error,
    moment::{Caller, chance},
    service::{Service, Tokens},
};
use auth_domain::{
    email::EmailAddress,
    ids::UserId,
    role::Role,
    user::{DisplayName, Generation, UserStatus},
};
use auth_storage::{InsertedUser, NewUser};
use secrecy::SecretString;

/// What somebody who registers says.
pub struct Registration {
    /// The address, as typed.
    pub email: String,
    /// The password, as typed.
    pub password: SecretString,
    /// What to be called.
    pub name: Option<String>,
}

impl Service {
    /// Registers a user and signs it in.
    ///
    /// # Errors
    /// [`Error::RegistrationClosed`], [`Error::InvalidEmail`], [`Error::InvalidName`], [`Error::WeakPassword`],
    /// [`Error::EmailTaken`], or a failure.
    pub async fn register(&self, caller: &Caller, wanted: Registration) -> Result<Tokens, Error> {
        if !self.config().registration.open {
            return Err(Error::RegistrationClosed);
        }
        let user = self.new_user(caller, wanted, Role::USER).await?;
        let session = self.new_session(caller, user.id, Generation::FIRST)?;
        match self.storage().insert_user(user, Some(session.clone())).await? {
            InsertedUser::Created(user) => self.give_tokens(user, &session, caller.now),
            InsertedUser::EmailTaken => Err(Error::EmailTaken),
        }
    }

    /// A user as it will be stored, its password accepted and hashed.
    pub(crate) async fn new_user(
        &self,
        caller: &Caller,
        wanted: Registration,
        role: Role,
    ) -> Result<NewUser, Error> {
        let email = EmailAddress::parse(&wanted.email)?;
        let name = wanted.name.as_deref().map(DisplayName::parse).transpose()?;
        let hash = self
            .hasher()
            .accept_and_hash(wanted.password, &email, name.as_ref())
            .await?;
        Ok(NewUser {
            id: UserId::from_parts(caller.now, chance(self.entropy())?),
            email,
            name,
            role,
            status: UserStatus::Active,
            email_verified_at: None,
            created_at: caller.now,
            password_hash: Some(hash),
        })
    }
}
