//! The set-up of the first administrator, and the clearing away of what has lapsed.

use super::{Storage, run};
use crate::{
    asks::{NewToken, NewUser, SweepTerms},
    context::ChangeContext,
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
        terms: ChangeContext,
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
        terms: ChangeContext,
    ) -> Result<SetupOutcome, StorageError> {
        run!(
            self,
            write,
            setup::redeem(&digest, &user, &session, &administrators, &terms)
        )
    }

    /// Removes at most `terms.limit` rows of each kind that tell nobody anything any more, each kind in a transaction of its own:
    /// what is asked for meanwhile waits for one of them at most. Sessions that merely expired are found by a walk that goes on
    /// with the next call.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn sweep(&self, now: Timestamp, terms: SweepTerms) -> Result<Swept, StorageError> {
        let walked = &self.inner.walked_to;
        let walked_to = *walked.lock().unwrap_or_else(PoisonError::into_inner);
        let (sessions, walked_to) = run!(self, write, housekeeping::past_sessions(now, terms, walked_to))?;
        *walked.lock().unwrap_or_else(PoisonError::into_inner) = walked_to;
        Ok(Swept {
            revocations: run!(self, write, housekeeping::lapsed_revocations(now, terms))?,
            sessions,
            one_time_tokens: run!(self, write, housekeeping::lapsed_tokens(now, terms))?,
            keys: run!(self, write, housekeeping::retired_keys(now, terms))?,
            mails: run!(self, write, housekeeping::done_mails(terms))?,
            api_keys: run!(self, write, housekeeping::lapsed_api_keys(now, terms))?,
            activity: run!(self, write, housekeeping::old_activity(now, terms))?,
        })
    }
}
