//! What has to be done after a commit is part of the type.
//!
//! The rule: a write that may revoke or queue mail answers [`Committed`], and its value comes out only by
//! [`Committed::settle`]. So an answer is given after the servers know what was revoked, and a queued mail does not wait for the
//! worker's next round. A refusal wrote nothing, so there is nothing to settle, and it is a plain error.

use auth_domain::revocation::Revocation;

/// What a transaction left to be done after its commit. Only the store makes one, so nothing is announced that was not committed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommitEffects {
    pub(crate) revocations: Vec<Revocation>,
    pub(crate) mail_queued: bool,
}

impl CommitEffects {
    /// What was revoked, and has to be known to every server before the caller gets an answer.
    #[must_use]
    pub fn revocations(&self) -> &[Revocation] {
        &self.revocations
    }

    /// Whether a mail was queued that should leave at once. A mail that was asked for by address alone is not counted: if the
    /// worker took it up at once, the time of the next answer could show whether the address has an account.
    #[must_use]
    pub const fn mail_queued(&self) -> bool {
        self.mail_queued
    }
}

/// Does what a commit left to be done.
pub trait AfterCommit {
    /// Returns when no server accepts any more what was revoked, as far as this program can bring that about.
    fn carry_out(&self, effects: &CommitEffects) -> impl Future<Output = ()> + Send;
}

/// The value of a committed write, together with what has to be done before anybody is answered.
///
/// [`settle`](Self::settle) does that and gives the value:
///
/// ```
/// # use auth_storage::{AfterCommit, Committed};
/// async fn sessions_ended(committed: Committed<u64>, server: &impl AfterCommit) -> u64 {
///     committed.settle(server).await
/// }
/// ```
///
/// There is no other way to the value:
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
/// And whoever needs no value can't forget it either (the workspace denies `unused_must_use`):
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
#[must_use = "what was revoked is not known to the servers, and queued mail waits, until it is settled"]
pub struct Committed<T> {
    value: T,
    effects: CommitEffects,
}

impl<T> Committed<T> {
    pub(crate) const fn new(value: T, effects: CommitEffects) -> Self {
        Self { value, effects }
    }

    /// Does what the commit left to be done, and gives the value.
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
