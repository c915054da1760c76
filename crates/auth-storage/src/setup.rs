//! The setup of the first administrator. The rule: of any number of concurrent callers, exactly one succeeds.

use crate::{
    context::ChangeContext,
    error::StorageError,
    one_time_tokens::New as NewToken,
    storage::{Storage, run},
    users::New as NewUser,
};
use auth_domain::{role::Role, session::Session, user::User};

/// The result of a request for a setup token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenIssue {
    /// The token is stored.
    Issued,
    /// There already is an administrator. Nothing was written.
    AdministratorExists,
    /// Another token is still valid and was not to be replaced. Nothing was written.
    AlreadyLive,
}

/// The result of a setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The first administrator was created and is signed in.
    Created(User),
    /// There already is an administrator. Nothing was written.
    Closed,
    /// There is no such token, or it was used, or it has expired. Nothing was written.
    InvalidToken,
    /// Another user has the address. Nothing was written, and the token is still valid.
    EmailTaken,
}

impl Storage {
    /// Stores a setup token, unless there is an administrator, or another token is valid and not to be replaced.
    pub async fn issue_setup_token(
        &self,
        token: NewToken,
        administrators: Vec<Role>,
        replace: bool,
        context: ChangeContext,
    ) -> Result<TokenIssue, StorageError> {
        run!(
            self,
            write,
            setup::issue(&token, &administrators, replace, &context)
        )
    }

    /// Uses up a setup token and creates the first administrator, signed in. Of any number of concurrent callers, exactly one succeeds.
    pub async fn redeem_setup_token(
        &self,
        digest: [u8; 32],
        user: NewUser,
        session: Session,
        administrators: Vec<Role>,
        context: ChangeContext,
    ) -> Result<Outcome, StorageError> {
        run!(
            self,
            write,
            setup::redeem(&digest, &user, &session, &administrators, &context)
        )
    }
}
