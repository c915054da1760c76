//! The administrators' operations, from the command line and over HTTP: those that need neither signing keys nor the blacklist, and
//! therefore work beside a running server. Their revocations reach the servers through the database.

use crate::parts::{
    caller::Caller, config::ServiceConfig, entropy::Entropy, failure::Failure, hashing::Hasher,
};
use auth_domain::{
    revocation::grace,
    role::{Role, RoleBook},
    time::{Span, after},
};
use auth_storage::{ChangeContext, Storage};
use std::sync::Arc;

/// How long after a revocation a sign-in that was in progress may still issue a token. A revocation is kept this much longer than
/// the last token that was known when it was made.
const IN_FLIGHT: Span = Span::seconds(60);

/// The administrators' operations. The caller carries out the effects of what they commit: the server, or the command line. Cheap
/// to clone.
#[derive(Clone)]
pub struct Admin(Arc<AdminState>);

struct AdminState {
    storage: Storage,
    config: ServiceConfig,
    entropy: Arc<dyn Entropy>,
    hasher: Hasher,
}

impl Admin {
    /// The operations over this storage.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if the hashing threads can't be started.
    pub fn new(storage: Storage, config: ServiceConfig, entropy: Arc<dyn Entropy>) -> Result<Self, Failure> {
        let hasher = Hasher::start(&config, Arc::clone(&entropy))?;
        Ok(Self(Arc::new(AdminState {
            storage,
            config,
            entropy,
            hasher,
        })))
    }

    /// The storage.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.0.storage
    }

    pub(crate) fn config(&self) -> &ServiceConfig {
        &self.0.config
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    /// The permissions of each role.
    #[must_use]
    pub fn roles(&self) -> &RoleBook {
        &self.0.config.roles
    }

    pub(crate) fn administrators(&self) -> Vec<Role> {
        self.0.config.roles.administrators()
    }

    /// The context of a change that this caller makes now, which revokes at most one session or token.
    pub(crate) fn change_context(&self, caller: &Caller) -> Result<ChangeContext, Failure> {
        Ok(ChangeContext {
            now: caller.now,
            until_at_least: caller.now,
            grace: grace(self.0.config.leeway()),
            by: caller.audit_context(self.entropy())?,
        })
    }

    /// The context of a change that revokes all tokens of a user, those of sign-ins in progress too.
    pub(crate) fn revocation_context(&self, caller: &Caller) -> Result<ChangeContext, Failure> {
        let context = self.change_context(caller)?;
        let longest = self.0.config.lifetimes().access + context.grace + IN_FLIGHT;
        Ok(ChangeContext {
            until_at_least: after(caller.now, longest),
            ..context
        })
    }
}
