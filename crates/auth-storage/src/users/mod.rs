//! Users: created, read, changed and deleted. The rule: an email address belongs to one user.

mod rows;

pub(crate) use rows::{CredentialsRow, EndingColumns, NewUserRow, UserRow, name_columns, name_key};

use crate::{
    committed::Committed,
    context::{ChangeContext, Pagination, Refused},
    error::StorageError,
    one_time_tokens::Mailed as MailedToken,
    storage::{Storage, run},
};
use auth_domain::{
    email::EmailAddress,
    ids::{SessionId, UserId},
    password_hash::PasswordHash,
    role::Role,
    session::Session,
    time::Timestamp,
    user::{DisplayName, User, UserStatus},
};

/// A user to be created, with the first generation.
#[derive(Clone)]
pub struct New {
    /// Their id.
    pub id: UserId,
    /// Their email address. No other user may have one with the same key.
    pub email: EmailAddress,
    /// Their name.
    pub name: Option<DisplayName>,
    /// The hash of their password. Without one they can't sign in with a password.
    pub password_hash: Option<PasswordHash>,
    /// Their role.
    pub role: Role,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// When they confirmed the address.
    pub email_verified_at: Option<Timestamp>,
    /// When the user is created.
    pub created_at: Timestamp,
}

/// A change of a user. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The new name, or `Some(None)` to remove it.
    pub name: Option<Option<DisplayName>>,
    /// The new role.
    pub role: Option<Role>,
    /// The new status.
    pub status: Option<UserStatus>,
    /// When the address was confirmed, or `Some(None)` to take the confirmation away.
    pub email_verified_at: Option<Option<Timestamp>>,
}

/// Which users are listed: those that match every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The beginning of the email address or the name, in upper or lower case; after an `@`, the beginning of the address's domain.
    pub query: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// The status.
    pub status: Option<UserStatus>,
}

/// The rewrite of a hash after a sign-in that verified `from`.
#[derive(Clone)]
pub struct HashUpgrade {
    /// The hash that was verified. If another one is stored by then, nothing is written.
    pub from: PasswordHash,
    /// The same password under the current parameters.
    pub to: PasswordHash,
}

/// Another user has the address. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailTaken;

/// Why a user was not invited. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotInvited {
    /// Another user has the address.
    EmailTaken,
    /// The caller's session or API key has ended, or the caller's tokens were revoked, since the request came in.
    CallerRevoked,
}

impl From<EmailTaken> for NotInvited {
    fn from(_: EmailTaken) -> Self {
        Self::EmailTaken
    }
}

/// A user and the hash of their password, from one read, so that the generation belongs to the hash.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: User,
    /// The hash. `None`: they can't sign in with a password.
    pub password_hash: Option<PasswordHash>,
    /// Devices that became known before this time are no longer known.
    pub devices_from: Option<Timestamp>,
    /// When the password was last set. Reset links that were requested earlier are void.
    pub password_changed_at: Option<Timestamp>,
}

/// A user who was changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The user after the change, or before the deletion.
    pub user: User,
    /// The number of active sessions that ended.
    pub sessions_ended: u64,
}

/// The numbers of users and sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// The number of users with each role and status.
    pub users: Vec<(String, String, u64)>,
    /// The number of sessions that can be refreshed.
    pub live_sessions: u64,
}

impl Storage {
    /// Creates a user, their first session and the mail that verifies their address, in one transaction.
    pub async fn insert_user(
        &self,
        user: New,
        session: Option<Session>,
        verification: Option<MailedToken>,
        context: ChangeContext,
    ) -> Result<Result<Committed<User>, EmailTaken>, StorageError> {
        run!(
            self,
            write,
            users::insert(&user, session.as_ref(), verification.as_ref(), &context)
        )
    }

    /// Creates a user and queues a mail with a link to choose their password, in one transaction.
    pub async fn invite_user(
        &self,
        user: New,
        context: ChangeContext,
    ) -> Result<Result<Committed<User>, NotInvited>, StorageError> {
        run!(self, write, users::invite(&user, &context))
    }

    /// Creates many users in one transaction. The result says for each user whether their address was free. On SQLite all other writes
    /// wait for it, so pass a few hundred users at a time.
    pub async fn import_users(
        &self,
        users: Vec<New>,
        context: ChangeContext,
    ) -> Result<Vec<Result<User, EmailTaken>>, StorageError> {
        run!(self, write, users::import(&users, &context))
    }

    /// One user.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StorageError> {
        run!(self, look, users::user(id))
    }

    /// The user with this email address.
    pub async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<User>, StorageError> {
        let email = email.clone();
        run!(self, look, users::user_by_email(&email))
    }

    /// The user with this email address and the hash of their password, from one read.
    pub async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, StorageError> {
        let email = email.clone();
        run!(self, look, users::credentials(&email))
    }

    /// One user and the hash of their password, from one read.
    pub async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StorageError> {
        run!(self, look, users::credentials_of(id))
    }

    /// A page of the users that match the filter, newest first.
    pub async fn users(&self, filter: Filter, page: Pagination) -> Result<Vec<User>, StorageError> {
        run!(self, read, users::list(&filter, page))
    }

    /// The numbers of users and active sessions. It reads all of them.
    pub async fn user_figures(&self, now: Timestamp) -> Result<Figures, StorageError> {
        run!(self, read, users::figures(now))
    }

    /// Changes a user. A new role, and taking the confirmation of the address away, raise the user's generation and carry their sessions
    /// over to it. Disabling raises it and ends the sessions. A new name, a confirmation and enabling don't raise it. `administrators` are
    /// the roles whose active users are administrators: the last of them can't be demoted or disabled.
    pub async fn change_user(
        &self,
        id: UserId,
        change: Change,
        administrators: Vec<Role>,
        context: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::change(id, &change, &administrators, &context)
        )
    }

    /// Changes a password: by its user in the session `current`, which continues, or by an operator.
    pub async fn set_password(
        &self,
        id: UserId,
        hash: PasswordHash,
        current: Option<SessionId>,
        context: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::set_password(id, &hash, current, &context)
        )
    }

    /// Ends every kind of credential of a user. They need a reset to sign in again.
    pub async fn lock_out(
        &self,
        user: UserId,
        context: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
        run!(self, write, user_changes::lock_out(user, &context))
    }

    /// Deletes a user and everything they own, unless they are the last administrator. A long history of sessions is deleted first, in
    /// transactions of its own, so that a concurrent request waits for one of them at most.
    pub async fn delete_user(
        &self,
        id: UserId,
        administrators: Vec<Role>,
        context: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
        loop {
            let (administrators, context) = (administrators.clone(), context.clone());
            match run!(self, write, user_changes::delete(id, &administrators, &context))? {
                Ok(deleted) => return Ok(Ok(deleted)),
                Err(Some(refused)) => return Ok(Err(refused)),
                Err(None) => {}
            }
            while run!(self, write, sessions::delete_ended(id))? {}
        }
    }

    /// Rewrites a hash, if it is still `from`.
    pub async fn upgrade_password_hash(
        &self,
        id: UserId,
        from: PasswordHash,
        to: PasswordHash,
    ) -> Result<bool, StorageError> {
        run!(self, write, users::upgrade_password_hash(id, &from, &to))
    }

    /// Whether an active user holds one of the roles.
    pub async fn administrator_exists(&self, administrators: Vec<Role>) -> Result<bool, StorageError> {
        run!(self, read, users::administrator_exists(&administrators))
    }
}
