//! The set-up of the first administrator, and the clearing away of what has lapsed.

use super::{Storage, run};
use crate::{
    asks::{NewToken, NewUser, SweepTerms, Terms},
    error::StorageError,
    outcomes::{SetupOutcome, SetupTokenIssue, Swept},
};
use auth_domain::{role::Role, session::Session, time::Timestamp};
use std::sync::PoisonError;

impl Storage {
    /// Stores a set-up token, unless there is an administrator, or another token is live and not to be replaced.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn issue_setup_token(
        &self,
        token: NewToken,
        administrators: Vec<Role>,
        replace: bool,
        terms: Terms,
    ) -> Result<SetupTokenIssue, StorageError> {
        run!(
            self,
            write,
            setup::issue(&token, &administrators, replace, &terms)
        )
    }

    /// Uses a set-up token up and makes the first administrator with it, signed in. Of any number of callers, one does.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn redeem_setup_token(
        &self,
        digest: [u8; 32],
        user: NewUser,
        session: Session,
        administrators: Vec<Role>,
        terms: Terms,
    ) -> Result<SetupOutcome, StorageError> {
        run!(
            self,
            write,
            setup::redeem(&digest, &user, &session, &administrators, &terms)
        )
    }

    /// Removes at most `terms.limit` rows of each kind that tell nobody anything any more. Sessions that merely expired are
    /// found by a walk that goes on with the next call.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn sweep(&self, now: Timestamp, terms: SweepTerms) -> Result<Swept, StorageError> {
        let walked_to = *self
            .inner
            .walked_to
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (swept, walked_to) = run!(self, write, housekeeping::sweep(now, terms, walked_to))?;
        *self
            .inner
            .walked_to
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = walked_to;
        Ok(swept)
    }
}
