//! Users: made, read, changed, removed. The rule: an address belongs to one user.

mod rows;

pub(crate) use rows::{CredentialsRow, CutRow, NewUserRow, UserRow, name_columns, name_key};

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

/// A user to be made. Their generation is the first.
#[derive(Clone)]
pub struct New {
    /// Their id.
    pub id: UserId,
    /// Their address; no other user may have one with the same key.
    pub email: EmailAddress,
    /// Their name.
    pub name: Option<DisplayName>,
    /// The hash of their password; without one they can't sign in with a password.
    pub password_hash: Option<PasswordHash>,
    /// Their role.
    pub role: Role,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// Since when the address is known to be their own.
    pub email_verified_at: Option<Timestamp>,
    /// When they are made.
    pub created_at: Timestamp,
}

/// What changes of a user; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The new name, or none.
    pub name: Option<Option<DisplayName>>,
    /// The new role.
    pub role: Option<Role>,
    /// The new status.
    pub status: Option<UserStatus>,
    /// Since when the address is verified, or that it is not.
    pub email_verified_at: Option<Option<Timestamp>>,
}

/// Which users are listed: those that fit all that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// What the address or the name begins with, in any case; after an `@`, what the address's domain begins with.
    pub query: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// The status.
    pub status: Option<UserStatus>,
}

/// The rewrite of a hash after a sign-in that verified `from`.
#[derive(Clone)]
pub struct HashUpgrade {
    /// The hash that was verified: if another one is stored by now, nothing is written.
    pub from: PasswordHash,
    /// The same password under the current parameters.
    pub to: PasswordHash,
}

/// Another user has the address; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailTaken;

/// Why a user was not invited. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotInvited {
    /// Another user has the address.
    EmailTaken,
    /// The caller's session or API key has ended, or the caller's rights were cut, since the request came in.
    CallerRevoked,
}

impl From<EmailTaken> for NotInvited {
    fn from(_: EmailTaken) -> Self {
        Self::EmailTaken
    }
}

/// A user and the hash of their password, from one read: the generation is the one that the hash belongs to.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: User,
    /// The hash; `None`: they can't sign in with a password.
    pub password_hash: Option<PasswordHash>,
    /// Known devices from before are strangers again.
    pub devices_from: Option<Timestamp>,
    /// When the password was last set; links that were mailed before are void.
    pub password_changed_at: Option<Timestamp>,
}

/// A user who was changed, or is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The user after the change; before it, if they were deleted.
    pub user: User,
    /// How many active sessions ended.
    pub sessions_ended: u64,
}

/// How many of what there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Users by role and status.
    pub users: Vec<(String, String, u64)>,
    /// Sessions that can be refreshed.
    pub live_sessions: u64,
}

impl Storage {
    /// Makes a user and, with them, their first session and the mail that verifies their address, in one transaction.
    pub async fn insert_user(
        &self,
        user: New,
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

    /// Makes a user and mails them a link to choose their password, in one transaction.
    pub async fn invite_user(
        &self,
        user: New,
        terms: ChangeContext,
    ) -> Result<Result<Committed<User>, NotInvited>, StorageError> {
        run!(self, write, users::invite(&user, &terms))
    }

    /// Makes many users in one transaction, and says of each whether its address was free. Every other user's writes wait
    /// behind it on SQLite: hand over some hundred at a time.
    pub async fn import_users(
        &self,
        users: Vec<New>,
        terms: ChangeContext,
    ) -> Result<Vec<Result<User, EmailTaken>>, StorageError> {
        run!(self, write, users::import(&users, &terms))
    }

    /// One user.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StorageError> {
        run!(self, look, users::user(id))
    }

    /// The user with an address.
    pub async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<User>, StorageError> {
        let email = email.clone();
        run!(self, look, users::user_by_email(&email))
    }

    /// The user with an address, and the hash of their password, from one read.
    pub async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, StorageError> {
        let email = email.clone();
        run!(self, look, users::credentials(&email))
    }

    /// One user and the hash of their password, from one read.
    pub async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StorageError> {
        run!(self, look, users::credentials_of(id))
    }

    /// A part of the users that fit, newest first.
    pub async fn users(&self, filter: Filter, page: Pagination) -> Result<Vec<User>, StorageError> {
        run!(self, read, users::list(&filter, page))
    }

    /// How many users and live sessions there are. Reads all of them.
    pub async fn user_figures(&self, now: Timestamp) -> Result<Figures, StorageError> {
        run!(self, read, users::figures(now))
    }

    /// Changes a user. Another role, and a verification that is taken away, raise the user's generation and carry their sessions over; disabling
    /// raises it and ends them; a name, a verification that is given or enabling raise nothing. `administrators` are the roles
    /// whose active users administer: the last of them stays.
    pub async fn change_user(
        &self,
        id: UserId,
        change: Change,
        administrators: Vec<Role>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::change(id, &change, &administrators, &terms)
        )
    }

    /// Changes a password: by its user in the session `current`, which goes on, or by the operator.
    pub async fn set_password(
        &self,
        id: UserId,
        hash: PasswordHash,
        current: Option<SessionId>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
        run!(
            self,
            write,
            user_changes::set_password(id, &hash, current, &terms)
        )
    }

    /// Ends every kind of credential that a user has; it needs a reset to come back.
    pub async fn lock_out(
        &self,
        user: UserId,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
        run!(self, write, user_changes::lock_out(user, &terms))
    }

    /// Deletes a user and all that is theirs; the last administrator stays. A long history of sessions goes first, in transactions of its
    /// own: what is asked for meanwhile waits for one of them at most.
    pub async fn delete_user(
        &self,
        id: UserId,
        administrators: Vec<Role>,
        terms: ChangeContext,
    ) -> Result<Result<Committed<Changed>, Refused>, StorageError> {
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
