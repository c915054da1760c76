//! The service: the parts that the use cases share, and how tokens are given out.

use crate::{
    admin::stats::Stats,
    background::{Background, Chores},
    delivery::post::{Post, PostParts},
    parts::{
        activity::{Activity, ActivityKind},
        admin::Admin,
        audit::AuditLog,
        browser::BrowserMarks,
        config::{Algorithm, ServiceConfig},
        device::DeviceTokens,
        error::Error,
        form_tokens::FormTokens,
        gate::{AccountNames, Refusals},
        hashing::Hasher,
        keyring::KeyRing,
        keys::KeyAdmin,
        keyset::KeySet,
        mailed::MailTokens,
        master_key::MasterKey,
        moment::{Caller, Clock, Entropy, Moments, chance},
        tokens::{AccessVerifier, RefreshSigner},
    },
};
use auth_blacklist::Blacklist;
use auth_domain::{
    claims::{AccessClaims, OWN_CLIENT, RefreshClaims, TokenType},
    credential::{Credential, Fate, SecurityEvent, fate},
    ids::{SessionId, TokenId, UserId},
    revocation::Revocation,
    role::RoleBook,
    rotation::RefreshTokenId,
    session::Session,
    time::Timestamp,
    user::User,
};
use auth_limits::Limits;
use auth_mail::Mailer;
use auth_storage::{Backend, ChangeContext, Storage};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// What a service is made of.
pub struct ServiceParts {
    /// Where everything is kept.
    pub storage: Storage,
    /// The fast copies of the revocations.
    pub blacklist: Blacklist,
    /// The rate limits.
    pub limits: Limits,
    /// How mail leaves.
    pub mailer: Mailer,
    /// What secrets at rest hang on.
    pub master_key: MasterKey,
    /// What the operator set.
    pub config: ServiceConfig,
    /// Where chance comes from.
    pub entropy: Arc<dyn Entropy>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database was made under another master key.
    #[error(
        "this is not the master key that the database was made with; give the right one in KEYWARD_MASTER_KEY \
         (or the file that the data folder came with), or change it with `keyward keys reseal`"
    )]
    WrongMasterKey,
    /// A part did not start.
    #[error("{0}")]
    Failed(#[from] Error),
}

/// The use cases. Cheap to clone: every clone is the same service.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

pub(crate) struct Shared {
    admin: Admin,
    pub(crate) blacklist: Blacklist,
    clock: Arc<dyn Clock>,
    moments: Moments,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) access: AccessVerifier,
    pub(crate) refresh: RefreshSigner,
    pub(crate) limits: Limits,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) account_names: Arc<AccountNames>,
    pub(crate) devices: DeviceTokens,
    pub(crate) form_tokens: FormTokens,
    pub(crate) browser_marks: BrowserMarks,
    pub(crate) mail_tokens: Arc<MailTokens>,
    pub(crate) stats: Mutex<Option<Stats>>,
    pub(crate) exports: Semaphore,
    audit_log: AuditLog,
    post: Post,
    pub(crate) background: Background,
}

/// What a sign-in or a refresh gives.
#[derive(Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token.
    pub refresh_token: SecretString,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
    /// How long the refresh token lives, in seconds.
    pub refresh_expires_in: i64,
    /// Whose they are.
    pub user: User,
    /// Their session.
    pub session: SessionId,
    /// After a sign-in: what the device shows the next time.
    pub device_token: Option<SecretString>,
}

impl Service {
    /// Checks the master key, makes the signing keys that are missing, and starts what runs in the background.
    ///
    /// # Errors
    /// [`StartError`].
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
        } = parts;
        let check = master_key.check_value()?;
        if !storage
            .insert_setting("master_key_check", check.clone())
            .await
            .map_err(Error::from)?
        {
            let known = storage.setting("master_key_check").await.map_err(Error::from)?;
            if known.as_deref() != Some(check.as_slice()) {
                return Err(StartError::WrongMasterKey);
            }
        }
        let now = clock.now();
        let refresh = RefreshSigner::new(&master_key)?;
        let devices = DeviceTokens::new(&master_key)?;
        let form_tokens = FormTokens::new(&master_key)?;
        let browser_marks = BrowserMarks::new(&master_key)?;
        let account_names = Arc::new(AccountNames::new(&master_key)?);
        let mail_tokens = Arc::new(MailTokens::new(&master_key)?);
        let audit_log = AuditLog::open(storage.clone(), &master_key, entropy.as_ref()).await?;
        let (key_admin, keys) = if config.tokens.algorithm == Algorithm::HS256 {
            (
                None,
                KeySet::shared_secret(config.tokens.secret.expose_secret().as_bytes())?,
            )
        } else {
            let key_admin = KeyAdmin::new(storage.clone(), master_key, config.clone(), Arc::clone(&entropy));
            let keys = key_admin.complete(now).await?;
            (Some(key_admin), keys)
        };
        let keys = Arc::new(KeyRing::new(keys, key_admin, now));
        let beside = (storage.backend() == Backend::Postgres).then(|| blacklist.clone());
        let moments = Moments::new(Arc::clone(&clock), beside);
        let admin = Admin::new(storage, config, entropy)?;
        let post = Post::new(PostParts {
            admin: admin.clone(),
            mailer,
            tokens: Arc::clone(&mail_tokens),
            limits: limits.clone(),
            account_names: Arc::clone(&account_names),
            moments: moments.clone(),
        });
        let refusals = Arc::new(Refusals::default());
        let activity = Arc::new(Activity::default());
        let background = Background::start(Chores {
            keys: Arc::clone(&keys),
            admin: admin.clone(),
            audit_log: audit_log.clone(),
            post: post.clone(),
            refusals: Arc::clone(&refusals),
            activity: Arc::clone(&activity),
            clock: Arc::clone(&clock),
            moments: moments.clone(),
        });
        Ok(Self(Arc::new(Shared {
            admin,
            blacklist,
            clock,
            moments,
            keys,
            access: AccessVerifier::new(),
            refresh,
            limits,
            refusals,
            activity,
            account_names,
            devices,
            form_tokens,
            browser_marks,
            mail_tokens,
            stats: Mutex::new(None),
            exports: Semaphore::new(1),
            audit_log,
            post,
            background,
        })))
    }

    /// Ends what runs in the background, and waits for it.
    pub async fn stop(&self) {
        if let Err(error) = self.note_refusals().await {
            tracing::warn!(%error, "what the limits refused in the last minute could not be noted");
        }
        if let Err(error) = self.write_activity().await {
            tracing::warn!(%error, "what was counted in the last minute could not be written down");
        }
        self.0.background.stop().await;
        self.0.blacklist.stop().await;
    }

    /// The moment of a request: read it once. Whatever is issued or judged by the clock begins here.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while this machine's clock is known to be wrong.
    pub fn moment(&self) -> Result<Timestamp, Error> {
        self.0.moments.now()
    }

    /// What this machine's clock shows, right or wrong.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// What administrators look at. What they do to a running service are verbs of [`Service`] itself (`administer`).
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.0.admin
    }

    /// Whether `/token` takes `grant_type=password`.
    #[must_use]
    pub fn password_grant_allowed(&self) -> bool {
        self.config().oauth.password_grant
    }

    /// Makes committed revocations known to every node; when it returns, they may be answered (behaviour.md §1).
    pub(crate) async fn announce(&self, revocations: &[Revocation]) {
        if !revocations.is_empty() {
            self.0.blacklist.announce(revocations).await;
        }
    }

    /// The verbs over the signing keys; `None` with HS256, which keeps none.
    #[must_use]
    pub fn key_admin(&self) -> Option<&KeyAdmin> {
        self.0.keys.stored()
    }

    /// The audit log and its seals.
    #[must_use]
    pub fn audit_log(&self) -> &AuditLog {
        &self.0.audit_log
    }

    /// Delivers the mails that are due; it happens by itself. Answers how many were taken up.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn deliver_mail(&self) -> Result<usize, Error> {
        self.0.post.deliver_due().await
    }

    /// What carries the mails.
    pub(crate) fn post(&self) -> &Post {
        &self.0.post
    }

    /// Says that a mail was queued: it goes at once. The verbs of [`Admin`] queue mails without saying so.
    pub(crate) fn wake_post(&self) {
        self.0.post.wake();
    }

    pub(crate) fn shared(&self) -> &Shared {
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

    /// A session that begins now, not yet stored.
    pub(crate) fn new_session(
        &self,
        caller: &Caller,
        user: UserId,
        generation: auth_domain::user::Generation,
    ) -> Result<Session, Error> {
        Ok(Session {
            id: SessionId::from_parts(caller.now, chance(self.entropy())?),
            user,
            generation,
            created_at: caller.now,
            rotation: self.config().lifetimes().first_rotation(caller.now),
            state: auth_domain::session::SessionState::Active,
            origin: caller.origin.clone(),
        })
    }

    /// The pair of tokens for a session as it is stored now.
    pub(crate) fn give_tokens(&self, user: User, session: &Session, now: Timestamp) -> Result<Tokens, Error> {
        let rotation = &session.rotation;
        let access_expires_at = self
            .config()
            .lifetimes()
            .access_expiry(rotation.refresh_expires_at, now);
        let access = AccessClaims {
            iss: self.config().issuer.clone(),
            sub: user.id,
            aud: self.config().tokens.audience.clone(),
            client_id: OWN_CLIENT.to_owned(),
            exp: access_expires_at.timestamp(),
            iat: now.timestamp(),
            jti: TokenId::from_parts(now, chance(self.entropy())?),
            sid: session.id,
            generation: session.generation,
            email: user.email.as_str().to_owned(),
            email_verified: user.email_verified_at.is_some(),
            role: user.role.clone(),
            kind: TokenType::Access,
            nbf: None,
        };
        let refresh = RefreshClaims {
            iss: self.config().issuer.clone(),
            sub: user.id,
            exp: rotation.refresh_expires_at.timestamp(),
            iat: rotation.rotated_at.timestamp(),
            jti: RefreshTokenId {
                session: session.id,
                number: rotation.number,
            },
            sid: session.id,
            kind: TokenType::Refresh,
        };
        Ok(Tokens {
            access_token: self.0.keys.current().signing().sign(&access)?,
            refresh_token: self.0.refresh.sign(&refresh)?,
            expires_in: access.exp - access.iat,
            refresh_expires_in: (refresh.exp - now.timestamp()).max(0),
            user,
            session: session.id,
            device_token: None,
        })
    }

    /// The same after a sign-in: its device is known from now on.
    pub(crate) fn give_tokens_to_device(
        &self,
        user: User,
        session: &Session,
        caller: &Caller,
    ) -> Result<Tokens, Error> {
        let before = self.shown_device(caller);
        let device = self.0.devices.give(user.id, before, caller.now, self.entropy())?;
        let tokens = self.give_tokens(user, session, caller.now)?;
        self.0.activity.count(caller.now, ActivityKind::SignIn);
        Ok(Tokens {
            device_token: Some(device),
            ..tokens
        })
    }

    /// A new token for the caller's device, if the device stays known over an event that makes others strangers.
    pub(crate) fn device_after(
        &self,
        event: SecurityEvent,
        user: UserId,
        caller: &Caller,
    ) -> Result<Option<SecretString>, Error> {
        if fate(event, Credential::CurrentDevice) != Fate::CarriedOver {
            return Ok(None);
        }
        let before = self.shown_device(caller);
        let devices = &self.0.devices;
        devices.give(user, before, caller.now, self.entropy()).map(Some)
    }

    /// The terms of a change that this caller makes now.
    pub(crate) fn terms(&self, caller: &Caller) -> Result<ChangeContext, Error> {
        self.0.admin.terms(caller)
    }
}
