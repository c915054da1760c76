//! The service: the state that the use cases share.

use crate::{
    background::Background,
    delivery::mail_worker::MailWorker,
    parts::{
        account_digests::AccountDigests,
        activity::Activity,
        admin::Admin,
        audit::AuditLog,
        browser_marks::BrowserMarks,
        caller::Caller,
        clock::{CheckedClock, Clock},
        config::ServiceConfig,
        device::DeviceTokens,
        entropy::Entropy,
        events::{Event, Events},
        failure::Failure,
        form_tokens::FormTokens,
        hashing::Hasher,
        keyring::KeyRing,
        keys::KeyAdmin,
        mail_tokens::MailTokens,
        refusals::Refusals,
        stats::StatsCache,
        tokens::{AccessVerifier, RefreshSigner},
    },
};
use auth_blacklist::Blacklist;
use auth_domain::{role::RoleBook, time::Timestamp};
use auth_limits::Limits;
use auth_storage::{AfterCommit, ChangeContext, CommitEffects, Storage};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The use cases. Cheap to clone: all clones share their state.
#[derive(Clone)]
pub struct Service(Arc<ServiceState>);

/// The state that all clones share.
pub(crate) struct ServiceState {
    pub(crate) admin: Admin,
    pub(crate) blacklist: Blacklist,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) checked_clock: CheckedClock,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) access: AccessVerifier,
    pub(crate) refresh: RefreshSigner,
    pub(crate) limits: Limits,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) events: Events,
    pub(crate) account_digests: Arc<AccountDigests>,
    pub(crate) devices: DeviceTokens,
    pub(crate) form_tokens: FormTokens,
    pub(crate) browser_marks: BrowserMarks,
    pub(crate) mail_tokens: Arc<MailTokens>,
    pub(crate) stats: StatsCache,
    pub(crate) exports: Semaphore,
    pub(crate) audit_log: AuditLog,
    pub(crate) mail_worker: MailWorker,
    pub(crate) background: Background,
}

impl Service {
    /// The service over this state.
    pub(crate) fn over(state: ServiceState) -> Self {
        Self(Arc::new(state))
    }

    /// The time of a request: read it once a request. Everything that depends on the clock uses this time.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] while this machine's clock is known to be wrong.
    pub fn now(&self) -> Result<Timestamp, Failure> {
        Ok(self.0.checked_clock.now()?)
    }

    /// This machine's clock, unchecked.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// Publishes an event of this caller's request.
    pub(crate) fn emit(&self, event: Event, caller: &Caller) {
        self.0.events.emit(event, caller.now);
    }

    /// The administrators' operations. The effects of what they commit are carried out by this service.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.0.admin
    }

    /// Whether `/token` accepts `grant_type=password`.
    #[must_use]
    pub fn password_grant_allowed(&self) -> bool {
        self.config().oauth.password_grant
    }

    /// The operations on the signing keys; `None` with HS256, which has a shared secret instead.
    #[must_use]
    pub fn key_admin(&self) -> Option<&KeyAdmin> {
        self.0.keys.stored()
    }

    /// The audit log and its seals.
    #[must_use]
    pub fn audit_log(&self) -> &AuditLog {
        &self.0.audit_log
    }

    /// The mail worker.
    pub(crate) fn mail_worker(&self) -> &MailWorker {
        &self.0.mail_worker
    }

    pub(crate) fn state(&self) -> &ServiceState {
        &self.0
    }

    pub(crate) fn storage(&self) -> &Storage {
        self.0.admin.storage()
    }

    pub(crate) fn config(&self) -> &ServiceConfig {
        self.0.admin.config()
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        self.0.admin.hasher()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.0.admin.entropy()
    }

    pub(crate) fn roles(&self) -> &RoleBook {
        self.0.admin.roles()
    }

    /// The public keys as a JWK Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        self.0.keys.current().jwks()
    }

    /// The context of a change that this caller makes now.
    pub(crate) fn change_context(&self, caller: &Caller) -> Result<ChangeContext, Failure> {
        self.0.admin.change_context(caller)
    }
}

impl AfterCommit for Service {
    /// Announces revocations to every node: when it returns, the answer may be sent (docs/rules.md §1). A queued mail is delivered
    /// at once.
    async fn carry_out(&self, effects: &CommitEffects) {
        if !effects.revocations().is_empty() {
            self.0.blacklist.announce(effects.revocations()).await;
        }
        if effects.mail_queued() {
            self.0.mail_worker.wake();
        }
    }
}
