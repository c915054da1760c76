//! Starting and stopping the service: its keys and its background tasks.

use crate::{
    background::{Background, BackgroundTasks},
    delivery::mail_worker::{MailWorker, MailWorkerParts},
    parts::{
        account_digests::AccountDigests,
        activity::Activity,
        admin::Admin,
        audit::AuditLog,
        browser_marks::BrowserMarks,
        clock::{CheckedClock, Clock},
        config::ServiceConfig,
        device::DeviceTokens,
        entropy::Entropy,
        events::{Events, Subscriber},
        failure::Failure,
        form_tokens::FormTokens,
        keyring::KeyRing,
        keys::KeyAdmin,
        keyset::KeySet,
        mail_tokens::MailTokens,
        master_key::MasterKey,
        refusals::Refusals,
        stats::StatsCache,
        tokens::{AccessVerifier, RefreshSigner},
    },
    service::{Service, ServiceState},
};
use auth_blacklist::Blacklist;
use auth_limits::Limits;
use auth_mail::Mailer;
use auth_storage::{Backend, Storage};
use secrecy::ExposeSecret;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What a service is built from.
pub struct ServiceParts {
    /// The database.
    pub storage: Storage,
    /// The copies of the revocations, for fast checks.
    pub blacklist: Blacklist,
    /// The rate limits.
    pub limits: Limits,
    /// The transport of mail.
    pub mailer: Mailer,
    /// The key that protects secrets at rest.
    pub master_key: MasterKey,
    /// The configuration.
    pub config: ServiceConfig,
    /// The source of random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The subscribers to events, beside the hourly activity.
    pub subscribers: Vec<Arc<dyn Subscriber>>,
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database was created with another master key.
    #[error(
        "this is not the master key that the database was made with; give the right one in KEYWARD_MASTER_KEY \
         (or the file that the data folder came with), or change it with `keyward keys reseal`"
    )]
    WrongMasterKey,
    /// A part did not start.
    #[error("{0}")]
    Failed(#[from] Failure),
}

impl Service {
    /// Checks the master key, creates the signing keys that are missing, and starts the background tasks.
    pub async fn start(parts: ServiceParts) -> Result<Self, StartError> {
        let ServiceParts {
            storage,
            blacklist,
            limits,
            mailer,
            master_key,
            config,
            entropy,
            clock,
            mut subscribers,
        } = parts;
        let check = master_key.check_value()?;
        if !storage
            .insert_setting("master_key_check", check.clone())
            .await
            .map_err(Failure::from)?
        {
            let known = storage.setting("master_key_check").await.map_err(Failure::from)?;
            if known.as_deref() != Some(check.as_slice()) {
                return Err(StartError::WrongMasterKey);
            }
        }
        let now = clock.now();
        let refresh = RefreshSigner::new(&master_key)?;
        let devices = DeviceTokens::new(&master_key)?;
        let form_tokens = FormTokens::new(&master_key)?;
        let browser_marks = BrowserMarks::new(&master_key)?;
        let account_digests = Arc::new(AccountDigests::new(&master_key)?);
        let mail_tokens = Arc::new(MailTokens::new(&master_key)?);
        let audit_log = AuditLog::open(storage.clone(), &master_key, entropy.as_ref()).await?;
        let (key_admin, keys) = if config.key_algorithms().is_empty() {
            let secret = config.tokens.secret.expose_secret().as_bytes();
            (None, KeySet::shared_secret(secret))
        } else {
            let key_admin = KeyAdmin::new(storage.clone(), master_key, config.clone(), Arc::clone(&entropy));
            let keys = key_admin.complete(now).await?;
            (Some(key_admin), keys)
        };
        let keys = Arc::new(KeyRing::new(keys, key_admin, now));
        let beside = (storage.backend() == Backend::Postgres).then(|| blacklist.clone());
        let checked_clock = CheckedClock::new(Arc::clone(&clock), beside);
        let admin = Admin::new(storage, config, entropy)?;
        let mail_worker = MailWorker::new(MailWorkerParts {
            admin: admin.clone(),
            mailer,
            tokens: Arc::clone(&mail_tokens),
            limits: limits.clone(),
            account_digests: Arc::clone(&account_digests),
            checked_clock: checked_clock.clone(),
        });
        let refusals = Arc::new(Refusals::default());
        let activity = Arc::new(Activity::default());
        subscribers.push(Arc::<Activity>::clone(&activity));
        let background = Background::start(BackgroundTasks {
            keys: Arc::clone(&keys),
            admin: admin.clone(),
            audit_log: audit_log.clone(),
            mail_worker: mail_worker.clone(),
            refusals: Arc::clone(&refusals),
            activity: Arc::clone(&activity),
            clock: Arc::clone(&clock),
            checked_clock: checked_clock.clone(),
        });
        Ok(Self::over(ServiceState {
            admin,
            blacklist,
            clock,
            checked_clock,
            keys,
            access: AccessVerifier::new(),
            refresh,
            limits,
            refusals,
            activity,
            events: Events::new(subscribers),
            account_digests,
            devices,
            form_tokens,
            browser_marks,
            mail_tokens,
            stats: StatsCache::default(),
            exports: Semaphore::new(1),
            audit_log,
            mail_worker,
            background,
        }))
    }

    /// Stops the background tasks and waits for them.
    pub async fn stop(&self) {
        if let Err(error) = self.note_refusals().await {
            tracing::warn!(%error, "what the limits refused in the last minute could not be recorded");
        }
        if let Err(error) = self.write_activity().await {
            tracing::warn!(%error, "the activity of the last minute could not be stored");
        }
        self.state().background.stop().await;
        self.state().blacklist.stop().await;
    }
}
