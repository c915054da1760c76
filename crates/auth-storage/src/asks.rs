//! What callers hand in.

use auth_domain::{
    api_key::ApiKey,
    email::EmailAddress,
    ids::{MailId, OneTimeTokenId, UserId},
    one_time::TokenKind,
    password_hash::PasswordHash,
    role::Role,
    session::Session,
    time::Timestamp,
    user::{DisplayName, UserStatus},
};

/// A user to be made. Its generation is the first.
#[derive(Clone)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// Its address; no other user may have one with the same key.
    pub email: EmailAddress,
    /// Its name.
    pub name: Option<DisplayName>,
    /// The hash of its password; without one it can't sign in with a password.
    pub password_hash: Option<PasswordHash>,
    /// Its role.
    pub role: Role,
    /// Whether it may sign in.
    pub status: UserStatus,
    /// Since when its address is known to be its own.
    pub email_verified_at: Option<Timestamp>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// What changes of a user; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
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
pub struct UserFilter {
    /// What the address or the name begins with, in any case; after an `@`, what the address's domain begins with.
    pub query: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// The status.
    pub status: Option<UserStatus>,
}

/// Which of a user's sessions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionFilter {
    /// Those that can still be refreshed.
    #[default]
    Active,
    /// The rest.
    Ended,
    /// All.
    All,
}

/// The rewrite of a hash after a sign-in that verified `from`.
#[derive(Clone)]
pub struct HashUpgrade {
    /// The hash that was verified: if another one is stored by now, nothing is written.
    pub from: PasswordHash,
    /// The same password under the current parameters.
    pub to: PasswordHash,
}

/// A one-time token to be stored: its digest, never itself.
#[derive(Clone)]
pub struct NewToken {
    /// Its row.
    pub id: OneTimeTokenId,
    /// What it does.
    pub kind: TokenKind,
    /// The SHA-256 of the token.
    pub digest: [u8; 32],
    /// When it was asked for. A newer one of its kind and user voids it.
    pub created_at: Timestamp,
    /// Until when it may be used.
    pub expires_at: Timestamp,
    /// The address that it is bound to: the new one of a change, the one that is verified, the one that a report restores.
    pub email: Option<EmailAddress>,
    /// What it puts in force when it is used: the password and the name of a registration that waits for it.
    pub pending: Option<Pending>,
}

/// What a registration wants, until its address is verified.
#[derive(Clone)]
pub struct Pending {
    /// The hash of its password.
    pub password_hash: PasswordHash,
    /// Its name.
    pub name: Option<DisplayName>,
}

/// A token, and the mail that carries it.
#[derive(Clone)]
pub struct MailedToken {
    /// The mail's row; the token is derived from it.
    pub mail: MailId,
    /// The token.
    pub token: NewToken,
}

/// What is shown beside the link that confirms an address. A session of the account counts by itself: it is in the [`crate::ChangeContext`].
#[derive(Clone)]
pub enum LinkProof {
    /// Nothing: the link alone.
    LinkAlone,
    /// The account's password, which was verified against this hash.
    Password(PasswordHash),
    /// A new password, which takes the place of the one that there was.
    NewPassword(PasswordHash),
}

/// A sign-in to be written down.
#[derive(Clone)]
pub struct SignIn {
    /// The session that it begins.
    pub session: Session,
    /// How many live sessions the user may have.
    pub max_per_user: u32,
    /// The rewrite of an outdated hash.
    pub upgrade: Option<HashUpgrade>,
    /// Whether the device is one that signed in before: if not, its user is told.
    pub known_device: bool,
    /// Whether the user signs in for the first time, which is no news to it.
    pub first: bool,
}

/// An API key to be stored: its digest, never itself.
#[derive(Clone)]
pub struct NewApiKey {
    /// What is known of it.
    pub key: ApiKey,
    /// The SHA-256 of the key.
    pub digest: [u8; 32],
}
