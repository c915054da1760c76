//! Settles committed writes, and records the work that a server would have done.

use auth_domain::revocation::Revocation;
use auth_storage::{AfterCommit, CommitEffects, Committed};
use std::sync::Mutex;

/// The work after a commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// The revocations to announce.
    pub(crate) revocations: Vec<Revocation>,
    /// Whether to wake the mail worker.
    pub(crate) mail: bool,
}

#[derive(Default)]
struct Recorder(Mutex<Done>);

impl AfterCommit for Recorder {
    async fn carry_out(&self, effects: &CommitEffects) {
        *self.0.lock().unwrap() = Done {
            revocations: effects.revocations().to_vec(),
            mail: effects.mail_queued(),
        };
    }
}

/// The result of a write, which may have been refused.
pub(crate) trait Settle: Sized {
    /// Its value once it is settled.
    type Value;

    /// Settles it, and returns the work as well.
    async fn recorded(self) -> (Self::Value, Done);

    /// Settles it.
    async fn settled(self) -> Self::Value {
        self.recorded().await.0
    }
}

impl<T> Settle for Committed<T> {
    type Value = T;

    async fn recorded(self) -> (T, Done) {
        let recorder = Recorder::default();
        let value = self.settle(&recorder).await;
        (value, recorder.0.into_inner().unwrap())
    }
}

impl<W: Settle, E> Settle for Result<W, E> {
    type Value = Result<W::Value, E>;

    async fn recorded(self) -> (Result<W::Value, E>, Done) {
        match self {
            Ok(write) => {
                let (value, done) = write.recorded().await;
                (Ok(value), done)
            }
            Err(error) => (Err(error), Done::default()),
        }
    }
}
