//! From a configuration to a running server. The order matters: the database and its lock first, the schema, the master key,
//! then what is built on them, and the listening socket last, so that whoever is answered is answered by a whole server.

use crate::{
    config::{Config, ConfigErrors, log::Audience},
    master_key::{self, NoMasterKey},
    node::ServingNode,
};
use auth_api::{Metrics, ServeError, Site, Sockets};
use auth_blacklist::{Blacklist, Nodes};
use auth_limits::Limits;
use auth_mail::{MailError, Mailer};
use auth_service::{Caller, Clock, Entropy, Failure, Service, ServiceParts, SignInError, StoredTruth};
use auth_storage::{
    AlreadyServed, Backend, MigrateError, OpenError, ServeLock, Storage, StorageError, migrations::Contracts,
};
use secrecy::SecretString;
use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// How long to wait before a database that is down is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Why the server can't start, or a command can't reach what is kept.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder can't be made.
    #[error("the data folder {} can't be made: {error}; give this process's user the right to, or name another with --data-dir", .folder.display())]
    DataFolder {
        /// The folder.
        folder: PathBuf,
        /// What was reported.
        error: io::Error,
    },
    /// The database can't be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// The database failed.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// Another process serves it.
    #[error("{0}")]
    AlreadyServed(#[from] AlreadyServed),
    /// The schema can't be changed, or this version can't serve it.
    #[error("{0}")]
    Migrate(#[from] MigrateError),
    /// The schema is older than the program.
    #[error(
        "the database's schema is older than this version (migrations to apply: {pending}): run `keyward migrate up` \
         (or set database.auto_migrate = true)"
    )]
    SchemaOlder {
        /// How many migrations are not applied.
        pending: usize,
    },
    /// There is no master key.
    #[error("{0}")]
    MasterKey(#[from] NoMasterKey),
    /// The data folder lost its key: the database was made with another.
    #[error(
        "there was no master key file {}, yet the database was made with one: restore the file from your backup \
         (nothing was changed)", .0.display()
    )]
    LostMasterKey(PathBuf),
    /// The blacklist can't start.
    #[error("{0}")]
    Blacklist(#[from] auth_blacklist::StartError),
    /// A Redis URL can't be used.
    #[error("redis.url: {0}")]
    Redis(#[from] auth_redis::UnusableUrl),
    /// Mail can't be sent.
    #[error("{0}")]
    Mail(#[from] MailError),
    /// The use cases can't start.
    #[error("{0}")]
    Service(#[from] auth_service::StartError),
    /// A use case failed.
    #[error("{0}")]
    UseCase(#[from] Failure),
    /// No set-up token was made.
    #[error("{0}")]
    SetUp(#[from] SignInError),
    /// The server can't listen.
    #[error("{0}")]
    Serve(#[from] ServeError),
    /// The pages can't be served.
    #[error("{0}")]
    Pages(#[from] auth_api::SiteError),
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(#[from] ConfigErrors),
    /// The server listens nowhere.
    #[error("server.bind names no address to listen on")]
    NoAddress,
}

impl StartError {
    /// Whether the configuration is at fault, rather than the world.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::MasterKey(reason) => {
                matches!(
                    reason,
                    NoMasterKey::Missing | NoMasterKey::Malformed { .. } | NoMasterKey::OpenToOthers { .. }
                )
            }
            Self::Open(reason) => matches!(reason, OpenError::MalformedAddress),
            Self::Configuration(_) | Self::Redis(_) | Self::Mail(_) | Self::Pages(_) => true,
            _ => false,
        }
    }
}

/// A server that runs.
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
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address that clients use.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where `/metrics` and `/version` are, if anywhere.
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

    /// The token that makes the first administrator, if this start made one. Its holder is the owner: show it once.
    #[must_use]
    pub const fn setup_token(&self) -> Option<&SecretString> {
        self.setup_token.as_ref()
    }

    /// Turns readiness false, lets requests in flight finish, and ends everything.
    pub async fn stop(self) {
        self.http.drain().await;
        self.node.leave().await;
        self.service.stop().await;
    }
}

/// Starts a server: `clock` and `entropy` are all it takes from outside, so that a test can hold both.
///
/// # Errors
/// [`StartError`]: what is wrong and how to mend it.
pub async fn start(
    config: Config,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Running, StartError> {
    install_tls();
    // The port is known before anything is built that names it.
    let sockets = Sockets::take(&config.server)?;
    let addr = sockets.addr().ok_or(StartError::NoAddress)?;
    let config = config.listening_on(addr)?;
    let site = site(&config)?;
    let storage = open_patiently(&config).await?;
    let lock = storage.claim_serving()?;
    let node = ServingNode::enter(&config, &storage, &lock, entropy.as_ref()).await?;
    let found = master_key::find_or_make(&config, entropy.as_ref())?;
    let ticking = Arc::clone(&clock);
    let (nodes, redis) = if config.is_embedded() {
        (Nodes::One, None)
    } else {
        (Nodes::Many, config.redis.urls()?)
    };
    let blacklist = Blacklist::start(
        config.blacklist.clone(),
        Arc::new(StoredTruth::new(storage.clone())),
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
    let service = match (Service::start(parts).await, found.made) {
        (Ok(service), _) => service,
        (Err(auth_service::StartError::WrongMasterKey), Some(made)) => {
            let _may_stay = fs::remove_file(&made);
            return Err(StartError::LostMasterKey(made));
        }
        (Err(error), _) => return Err(error.into()),
    };
    let without_administrator = service.setup_is_open().await?;
    // One that only programs would read is not made.
    let setup_token = match config.log.audience() {
        Audience::People => {
            let by = Caller::operator(clock.now());
            service.admin().issue_setup_token(false, &by).await?
        }
        Audience::Programs => None,
    };
    let http = match auth_api::serve(service.clone(), config.server.clone(), metrics, site, sockets).await {
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

/// The pages, where they are to be served and can be.
fn site(config: &Config) -> Result<Option<Arc<Site>>, StartError> {
    if !config.pages.are_served(&config.server).unwrap_or_default() {
        return Ok(None);
    }
    let name = &config.service.service_name;
    let site = Site::new(config.pages.clone(), &config.server, name)?;
    Ok(Some(Arc::new(site)))
}

/// Makes aws-lc-rs the process's cryptography for TLS. The first call counts; others change nothing.
pub fn install_tls() {
    let _already_there = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Opens the database; makes the data folder that the embedded default lies in.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn open(config: &Config) -> Result<Storage, StartError> {
    if config.is_embedded() {
        make_folder(config)?;
    }
    Ok(Storage::open(&config.database).await?)
}

/// Opens the database, and waits for one that is down as long as `database.wait` says.
async fn open_patiently(config: &Config) -> Result<Storage, StartError> {
    let deadline = Instant::now() + config.start.wait;
    loop {
        match open(config).await {
            Err(StartError::Open(reason)) if may_pass(&reason) && Instant::now() < deadline => {
                tracing::warn!(database = config.shown_database(), %reason, "the database is not there yet; waiting");
                sleep(TRY_AGAIN.min(deadline - Instant::now())).await;
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

fn make_folder(config: &Config) -> Result<(), StartError> {
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

/// Applies what is not applied where that is wanted, and refuses a schema that does not fit: one that lacks something, or one
/// whose floor this version does not know.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn settle_schema(
    config: &Config,
    storage: &Storage,
    lock: Option<&ServeLock>,
) -> Result<(), StartError> {
    let schema = storage.schema().await?;
    if let Some(stamp) = schema.refused_for() {
        return Err(MigrateError::SchemaNewer(stamp.to_owned()).into());
    }
    let pending = schema.missing().count();
    if !config.database.migrates_itself(storage.backend()) {
        return if pending == 0 {
            Ok(())
        } else {
            Err(StartError::SchemaOlder { pending })
        };
    }
    if schema.migrations.iter().all(|migration| migration.applied) {
        return Ok(());
    }
    let migrated = match lock {
        Some(lock) => storage.migrate_up_with(Contracts::of(lock)).await?,
        None => storage.migrate_up().await?,
    };
    tracing::info!(
        applied = migrated.applied.join(", "),
        backend = backend_name(storage.backend()),
        "the schema is up to date"
    );
    for held_back in &migrated.held_back {
        let migration = &held_back.migration;
        tracing::info!(
            migration,
            "a migration waits until no older node serves the database"
        );
    }
    Ok(())
}

/// What a backend is called.
#[must_use]
pub(crate) const fn backend_name(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "SQLite",
        Backend::Postgres => "PostgreSQL",
    }
}
