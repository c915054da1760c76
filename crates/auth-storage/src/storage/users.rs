//! Users: made, read, changed, removed.

use super::{Storage, run};
use crate::{
    asks::{MailedToken, NewUser, UserChange, UserFilter},
    committed::Committed,
    context::{ChangeContext, Pagination},
    error::StorageError,
    outcomes::{ChangedUser, Credentials, EmailTaken, Refused, UserFigures},
};
use auth_domain::{
    email::EmailAddress,
    ids::{SessionId, UserId},
    password_hash::PasswordHash,
    role::Role,
    session::Session,
    time::Timestamp,
    user::User,
};

impl Storage {
    /// Makes a user and, with it, its first session and the mail that verifies its address, in one transaction.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn insert_user(
        &self,
        user: NewUser,
        session: Option<Session>,
        verification: Option<MailedToken>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<User>, EmailTaken>, StorageError> {
        run!(
            self,
            write,
            users::insert(&user, session.as_ref(), verification.as_ref(), &terms)
        )
    }

    /// Makes a user and mails it a link to choose its password, in one transaction.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn invite_user(
        &self,
        user: NewUser,
        terms: ChangeContext,
    ) -> Result<Result<Committed<User>, EmailTaken>, StorageError> {
        run!(self, write, users::invite(&user, &terms))
    }

    /// Queues a registration whose address has to be confirmed first: the same rows for a new and for a known address.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn register_pending(
        &self,
        email: EmailAddress,
        mailed: MailedToken,
        terms: ChangeContext,
    ) -> Result<Committed<()>, StorageError> {
        run!(
            self,
            write,
            registrations::register_pending(&email, &mailed, &terms)
        )
    }

    /// The password of a registration that waits for this address to be confirmed.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn waiting_password(&self, email: &EmailAddress) -> Result<Option<PasswordHash>, StorageError> {
        let email = email.clone();
        run!(self, read, users::waiting_password(&email))
    }

    /// Makes many users in one transaction, and says of each whether its address was free. Every other user's writes wait
    /// behind it on SQLite: hand over some hundred at a time.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn import_users(
        &self,
        users: Vec<NewUser>,
        terms: ChangeContext,
    ) -> Result<Vec<Result<User, EmailTaken>>, StorageError> {
        run!(self, write, users::import(&users, &terms))
    }

    /// One user.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StorageError> {
        run!(self, look, users::user(id))
    }

    /// The user with an address.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<User>, StorageError> {
        let email = email.clone();
        run!(self, look, users::user_by_email(&email))
    }

    /// The user with an address, and the hash of its password, from one read.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, StorageError> {
        let email = email.clone();
        run!(self, look, users::credentials(&email))
    }

    /// One user and the hash of its password, from one read.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StorageError> {
        run!(self, look, users::credentials_of(id))
    }

    /// A part of the users that fit, newest first.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn users(&self, filter: UserFilter, page: Pagination) -> Result<Vec<User>, StorageError> {
        run!(self, read, users::list(&filter, page))
    }

    /// Changes a user. Another role, and a verification that is taken away, raise its generation and lift its sessions over; disabling
    /// raises it and ends them; a name, a verification that is given or enabling raise nothing. `administrators` are the roles
    /// whose active users administer: the last of them stays.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn change_user(
        &self,
        id: UserId,
        change: UserChange,
        administrators: Vec<Role>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<ChangedUser>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::change(id, &change, &administrators, &terms)
        )
    }

    /// Changes a password: by its user in the session `current`, which goes on, or by the operator.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn set_password(
        &self,
        id: UserId,
        hash: PasswordHash,
        current: Option<SessionId>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<ChangedUser>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::set_password(id, &hash, current, &terms)
        )
    }

    /// Deletes a user and all it owns; the last administrator stays. A long history of sessions goes first, in transactions of its
    /// own: what is asked for meanwhile waits for one of them at most.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn delete_user(
        &self,
        id: UserId,
        administrators: Vec<Role>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<ChangedUser>, Refused>, StorageError> {
        loop {
            let (administrators, terms) = (administrators.clone(), terms.clone());
            match run!(self, write, user_changes::delete(id, &administrators, &terms))? {
                Ok(deleted) => return Ok(Ok(deleted)),
                Err(Some(refused)) => return Ok(Err(refused)),
                Err(None) => {}
            }
            while run!(self, write, sessions::forget_ended(id))? {}
        }
    }

    /// Rewrites a hash, if it still is `from`.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn upgrade_password_hash(
        &self,
        id: UserId,
        from: PasswordHash,
        to: PasswordHash,
    ) -> Result<bool, StorageError> {
        run!(self, write, users::upgrade_password_hash(id, &from, &to))
    }

    /// Whether an active user holds one of the roles.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn administrator_exists(&self, administrators: Vec<Role>) -> Result<bool, StorageError> {
        run!(self, read, users::administrator_exists(&administrators))
    }

    /// How many users and live sessions there are. Reads all of them.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn user_figures(&self, now: Timestamp) -> Result<UserFigures, StorageError> {
        run!(self, read, figures::of_users(now))
    }
}
