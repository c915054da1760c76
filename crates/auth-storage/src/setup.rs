//! The set-up of the first administrator. The rule: of any number of callers, one makes it.

use crate::{
    context::ChangeContext,
    error::StorageError,
    one_time_tokens::New as NewToken,
    storage::{Storage, run},
    users::New as NewUser,
};
use auth_domain::{role::Role, session::Session, user::User};

/// What came of a request for a set-up token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenIssue {
    /// It is stored.
    Issued,
    /// There is an administrator; nothing was written.
    AdministratorExists,
    /// Another one is live and was not to be replaced; nothing was written.
    AlreadyLive,
}

/// What came of a set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The first administrator is there, and signed in.
    Created(User),
    /// There is an administrator already; nothing was written.
    Closed,
    /// No such token, or it was used, or is past its time; nothing was written.
    InvalidToken,
    /// Another user has the address; nothing was written, and the token is still good.
    EmailTaken,
}

impl Storage {
    /// Stores a set-up token, unless there is an administrator, or another token is live and not to be replaced.
    pub async fn issue_setup_token(
        &self,
        token: NewToken,
        administrators: Vec<Role>,
        replace: bool,
        terms: ChangeContext,
    ) -> Result<TokenIssue, StorageError> {
        run!(
            self,
            write,
            setup::issue(&token, &administrators, replace, &terms)
        )
    }

    /// Uses a set-up token up and makes the first administrator with it, signed in. Of any number of callers, one does.
    pub async fn redeem_setup_token(
        &self,
        digest: [u8; 32],
        user: NewUser,
        session: Session,
        administrators: Vec<Role>,
        terms: ChangeContext,
    ) -> Result<Outcome, StorageError> {
        run!(
            self,
            write,
            setup::redeem(&digest, &user, &session, &administrators, &terms)
        )
    }
}
