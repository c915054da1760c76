//! What has to be done after a commit is part of the type.
//!
//! The rule: a write that may revoke tokens or queue mail returns [`Committed`], and only [`Committed::settle`] gives access to its
//! value. So the servers know what was revoked before the caller gets an answer, and a queued mail does not wait for the worker's next
//! round. A refusal wrote nothing, so there is nothing to settle, and it is a plain error.

use auth_domain::revocation::Revocation;

/// What has to be done after a transaction's commit. Only the store creates one, so nothing is announced that was not committed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommitEffects {
    pub(crate) revocations: Vec<Revocation>,
    pub(crate) mail_queued: bool,
}

impl CommitEffects {
    /// The revocations that every server has to know before the caller gets an answer.
    #[must_use]
    pub fn revocations(&self) -> &[Revocation] {
        &self.revocations
    }

    /// Whether a mail was queued that should be sent at once. A mail that was requested by email address alone does not count: if the
    /// worker sent it at once, the timing of the next answer could reveal whether the address has an account.
    #[must_use]
    pub const fn mail_queued(&self) -> bool {
        self.mail_queued
    }
}

/// Carries out what has to be done after a commit.
pub trait AfterCommit {
    /// Returns once no server accepts what was revoked, as far as this program can ensure that.
    fn carry_out(&self, effects: &CommitEffects) -> impl Future<Output = ()> + Send;
}

/// The value of a committed write, together with what has to be done before the caller gets an answer.
///
/// [`settle`](Self::settle) does that and returns the value:
///
/// ```
/// # use auth_storage::{AfterCommit, Committed};
/// async fn sessions_ended(committed: Committed<u64>, server: &impl AfterCommit) -> u64 {
///     committed.settle(server).await
/// }
/// ```
///
/// There is no other way to get the value:
///
/// ```compile_fail,E0616
/// # use auth_storage::{AfterCommit, Committed};
/// async fn sessions_ended(committed: Committed<u64>, server: &impl AfterCommit) -> u64 {
///     committed.value
/// }
/// ```
///
/// ```compile_fail,E0614
/// # use auth_storage::{AfterCommit, Committed};
/// async fn sessions_ended(committed: Committed<u64>, server: &impl AfterCommit) -> u64 {
///     *committed
/// }
/// ```
///
/// A caller that does not need the value can't forget to settle, either (the workspace denies `unused_must_use`):
///
/// ```compile_fail
/// # #![deny(unused_must_use)]
/// # use auth_storage::{AfterCommit, Committed};
/// async fn end_sessions(write: impl Future<Output = Committed<u64>>, server: &impl AfterCommit) {
///     write.await;
/// }
/// ```
///
/// ```
/// # #![deny(unused_must_use)]
/// # use auth_storage::{AfterCommit, Committed};
/// async fn end_sessions(write: impl Future<Output = Committed<u64>>, server: &impl AfterCommit) {
///     write.await.settle(server).await;
/// }
/// ```
#[must_use = "until this is settled, the servers don't know what was revoked, and queued mail waits"]
pub struct Committed<T> {
    value: T,
    effects: CommitEffects,
}

impl<T> Committed<T> {
    pub(crate) const fn new(value: T, effects: CommitEffects) -> Self {
        Self { value, effects }
    }

    /// Carries out what has to be done after the commit, and returns the value.
    pub async fn settle(self, after: &impl AfterCommit) -> T {
        if self.effects != CommitEffects::default() {
            after.carry_out(&self.effects).await;
        }
        self.value
    }
}

impl<T> std::fmt::Debug for Committed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Committed").finish_non_exhaustive()
    }
}
