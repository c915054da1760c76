//! What administrators do, from the command line and over HTTP: everything that needs neither signing keys nor the blacklist,
//! and therefore works beside a running server. A revocation made here reaches the servers through the database.

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

/// How long after a cut a sign-in that was under way may still give out a token: revocations are kept this much longer than the
/// last token that was known when they were made.
const IN_FLIGHT: Span = Span::seconds(60);

/// The administrator's verbs. What they commit is settled by whoever runs them: the server or the command line. Cheap to clone.
#[derive(Clone)]
pub struct Admin(Arc<AdminState>);

struct AdminState {
    storage: Storage,
    config: ServiceConfig,
    entropy: Arc<dyn Entropy>,
    hasher: Hasher,
}

impl Admin {
    /// The verbs over this storage.
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

    /// Where everything is kept.
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

    /// Which role holds which permissions.
    #[must_use]
    pub fn roles(&self) -> &RoleBook {
        &self.0.config.roles
    }

    pub(crate) fn administrators(&self) -> Vec<Role> {
        self.0.config.roles.administrators()
    }

    /// The terms of a change that this caller makes now, and of the revocation of one session or token.
    pub(crate) fn change_context(&self, caller: &Caller) -> Result<ChangeContext, Failure> {
        Ok(ChangeContext {
            now: caller.now,
            until_at_least: caller.now,
            grace: grace(self.0.config.leeway()),
            by: caller.audit_context(self.entropy())?,
        })
    }

    /// The same for a change that cuts all of a user's tokens, with those of sign-ins under way.
    pub(crate) fn revocation_context(&self, caller: &Caller) -> Result<ChangeContext, Failure> {
        let context = self.change_context(caller)?;
        let longest = self.0.config.lifetimes().access + context.grace + IN_FLIGHT;
        Ok(ChangeContext {
            until_at_least: after(caller.now, longest),
            ..context
        })
    }
}
