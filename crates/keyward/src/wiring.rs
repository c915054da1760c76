//! Builds a running server from a configuration. The order matters: first the database and its lock, then the schema, the master key and
//! what is built on them. The server answers requests last, so that it answers them only when it is complete.

use crate::{
    config::{Config, log::Audience},
    master_key,
    node::ServingNode,
    start_error::StartError,
};
use auth_api::{Metrics, PagesState, ServeError, Sockets};
use auth_blacklist::{Blacklist, Nodes};
use auth_limits::Limits;
use auth_mail::Mailer;
use auth_service::{Caller, Clock, DatabaseRevocations, Entropy, Service, ServiceParts};
use auth_storage::{OpenError, ServeLock, Storage};
use secrecy::SecretString;
use std::{fs, net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// The pause between two attempts to reach a database that is down.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// A running server.
pub struct Running {
    http: auth_api::RunningServer,
    addr: SocketAddr,
    public_url: String,
    service: Service,
    without_administrator: bool,
    setup_token: Option<SecretString>,
    node: ServingNode,
    _lock: ServeLock,
}

impl Running {
    /// The address that it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL that clients use.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The address of `/metrics` and `/version`, if they are served.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.http.admin_addr()
    }

    /// The use cases behind it.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// Whether there was no administrator when it started.
    #[must_use]
    pub const fn is_without_administrator(&self) -> bool {
        self.without_administrator
    }

    /// The token that creates the first administrator, if this start issued one. Its holder can become the administrator: show it once.
    #[must_use]
    pub const fn setup_token(&self) -> Option<&SecretString> {
        self.setup_token.as_ref()
    }

    /// Waits until this node may no longer serve, because a newer version took away something that it needs. Then it has to be stopped.
    pub async fn must_stop(&self) -> StartError {
        self.node.refused().await.into()
    }

    /// Becomes not ready, lets requests in flight finish, and stops everything.
    pub async fn stop(self) {
        self.http.drain().await;
        self.node.leave().await;
        self.service.stop().await;
    }
}

/// Starts a server. `clock` and `entropy` are its only inputs from outside, so that a test can control both.
///
/// # Errors
/// [`StartError`]: what is wrong and how to fix it.
pub async fn start(
    config: Config,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Running, StartError> {
    install_tls();
    // The port has to be known before anything that contains it is built.
    let sockets = Sockets::take(&config.server)?;
    let addr = sockets.addr().ok_or(StartError::NoAddress)?;
    let config = config.listening_on(addr)?;
    let pages_state = pages_state(&config)?;
    let storage = open_patiently(&config).await?;
    let lock = storage.claim_serving()?;
    let node = ServingNode::enter(&config, &storage, &lock, entropy.as_ref()).await?;
    let found = master_key::find_or_create(&config, entropy.as_ref())?;
    let ticking = Arc::clone(&clock);
    let (nodes, redis) = if config.is_embedded() {
        (Nodes::One, None)
    } else {
        (Nodes::Many, config.redis.urls()?)
    };
    let blacklist = Blacklist::start(
        config.blacklist.clone(),
        Arc::new(DatabaseRevocations::new(storage.clone())),
        redis.clone(),
        nodes,
        Arc::new(move || ticking.now()),
    )
    .await?;
    let metrics = Metrics::new().map_err(ServeError::Metrics)?;
    let parts = ServiceParts {
        storage,
        blacklist,
        limits: Limits::start(config.limits.clone(), redis.as_ref()).await,
        mailer: Mailer::start(&config.mail)?,
        master_key: found.key,
        config: config.service.clone(),
        entropy,
        clock: Arc::clone(&clock),
        subscribers: vec![Arc::new(metrics.clone())],
    };
    let service = match (Service::start(parts).await, found.created) {
        (Ok(service), _) => service,
        (Err(auth_service::StartError::WrongMasterKey), Some(created)) => {
            let _may_stay = fs::remove_file(&created);
            return Err(StartError::LostMasterKey(created));
        }
        (Err(error), _) => return Err(error.into()),
    };
    let without_administrator = service.setup_is_open().await?;
    // No token is issued if only programs would read it.
    let setup_token = match config.log.audience() {
        Audience::People => {
            let by = Caller::operator(clock.now());
            service.admin().issue_setup_token(false, &by).await?
        }
        Audience::Programs => None,
    };
    let http = match auth_api::serve(
        service.clone(),
        config.server.clone(),
        metrics,
        pages_state,
        sockets,
    )
    .await
    {
        Ok(http) => http,
        Err(error) => {
            service.stop().await;
            return Err(error.into());
        }
    };
    Ok(Running {
        http,
        addr,
        public_url: config.server.public_url,
        service,
        without_administrator,
        setup_token,
        node,
        _lock: lock,
    })
}

/// The pages, if they are enabled and can be served.
fn pages_state(config: &Config) -> Result<Option<Arc<PagesState>>, StartError> {
    if !config.pages.are_served(&config.server).unwrap_or_default() {
        return Ok(None);
    }
    let name = &config.service.service_name;
    let pages_state = PagesState::new(config.pages.clone(), &config.server, name)?;
    Ok(Some(Arc::new(pages_state)))
}

/// Makes aws-lc-rs the cryptography for TLS in this process. Only the first call has an effect.
pub fn install_tls() {
    let _already_there = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Opens the database, and creates the data folder of an embedded database.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn open(config: &Config) -> Result<Storage, StartError> {
    if config.is_embedded() {
        create_folder(config)?;
    }
    Ok(Storage::open(&config.database).await?)
}

/// Opens the database. If it is down, waits as long as `database.wait` says.
async fn open_patiently(config: &Config) -> Result<Storage, StartError> {
    let deadline = Instant::now() + config.start.wait;
    loop {
        match open(config).await {
            Err(StartError::Open(reason)) if may_pass(&reason) && Instant::now() < deadline => {
                tracing::warn!(database = config.shown_database(), %reason, "the database is not reachable yet; waiting");
                sleep(RETRY_PAUSE.min(deadline - Instant::now())).await;
            }
            outcome => return outcome,
        }
    }
}

/// Whether waiting may help.
const fn may_pass(reason: &OpenError) -> bool {
    matches!(
        reason,
        OpenError::Refused(_)
            | OpenError::UnknownHost
            | OpenError::ReadOnlyServer(_)
            | OpenError::NoConnectionLeft(_)
            | OpenError::Server(_)
            | OpenError::Locked(_)
    )
}

fn create_folder(config: &Config) -> Result<(), StartError> {
    let folder = &config.data.dir;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| StartError::DataFolder {
        folder: folder.clone(),
        error,
    })
}
