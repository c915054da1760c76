//! Opens connections with the settings of each database. The rule: if a database can't be opened, the error says what to do.

use crate::{
    address::{Address, refusal},
    config::DatabaseConfig,
    engine::{
        Patience,
        pool::{Bounds, Connect, Workers},
        writer::Writer,
    },
    error::OpenError,
};
use diesel::{
    Connection, ConnectionError, PgConnection, SqliteConnection,
    connection::{CacheSize, SimpleConnection},
};
use secrecy::ExposeSecret;
use std::{
    error::Error,
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The database, opened.
pub(crate) enum Database {
    /// One connection that writes, and several that read.
    Sqlite {
        writer: Writer,
        readers: Workers<SqliteConnection>,
        file: PathBuf,
    },
    /// A pool of connections that read and write.
    Postgres {
        pool: Workers<PgConnection>,
        url: Arc<str>,
    },
}

/// Opens the database. It connects once, so that a mistake in the URL is reported at the start and not at the first request.
pub(crate) fn open(config: &DatabaseConfig) -> Result<Database, OpenError> {
    let bounds = |patience| Bounds {
        size: config.pool_size,
        queue: config.queue,
        acquire: config.acquire_timeout,
        patience,
    };
    match Address::parse(config.url.expose_secret())? {
        Address::Sqlite(file) => open_sqlite(&file, bounds(Patience::SQLITE)),
        Address::Postgres(url) => open_postgres(&url, bounds(Patience::POSTGRES), config.prepared_statements),
    }
}

/// The settings of every connection. WAL: readers never wait. FULL: if a power cut lost a rotation, a used refresh token would be valid
/// again. The timeout: the operator's commands write from another process.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                               PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;";
/// Prevents readers from writing.
const SQLITE_READ_ONLY: &str = "PRAGMA query_only = ON;";

fn open_sqlite(file: &Path, bounds: Bounds) -> Result<Database, OpenError> {
    create_file(file)?;
    let absolute = file.canonicalize().map_err(|cause| file_error(file, cause))?;
    let path: Arc<str> = absolute.to_str().ok_or(OpenError::UnknownAddress)?.into();
    let mut first = SqliteConnection::establish(&path).map_err(|cause| sqlite_error(file, cause))?;
    // A transaction that may write, so that a read-only folder or a full disk is reported here.
    let probe = format!("{SQLITE_SETTINGS} BEGIN IMMEDIATE; COMMIT;");
    first
        .batch_execute(&probe)
        .map_err(|cause| sqlite_error(file, cause))?;

    let to_write = Arc::clone(&path);
    let reconnect: Connect<_> = Box::new(move || sqlite_connection(&to_write, SQLITE_SETTINGS));
    let to_read: Connect<_> =
        Box::new(move || sqlite_connection(&path, &format!("{SQLITE_SETTINGS} {SQLITE_READ_ONLY}")));
    let threads = |cause: io::Error| file_error(file, cause);
    let writer = Writer::start(bounds.queue, bounds.acquire, first, reconnect).map_err(threads)?;
    let readers = Workers::start("sqlite-reader", bounds, to_read).map_err(threads)?;
    Ok(Database::Sqlite {
        writer,
        readers,
        file: absolute,
    })
}

/// A connection with these settings.
pub(crate) fn sqlite_connection(path: &str, settings: &str) -> Result<SqliteConnection, ConnectionError> {
    let mut connection = SqliteConnection::establish(path)?;
    connection
        .batch_execute(settings)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Creates the file with access for its owner only, since it will contain password hashes. If the file exists, it is only opened once.
fn create_file(file: &Path) -> Result<(), OpenError> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(OpenError::NoSuchFolder(folder.to_owned()));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    match options.open(file) {
        Ok(_) => return Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(file_error(file, cause)),
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Another process may create it at the same moment; then this opens the existing file.
    let created: io::Result<File> = options.create(true).open(file);
    created.map(drop).map_err(|cause| file_error(file, cause))
}

fn file_error(file: &Path, cause: io::Error) -> OpenError {
    match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenError::NotWritable(file.to_owned())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::DiskFull(file.to_owned()),
        io::ErrorKind::IsADirectory => OpenError::NotADatabase(file.to_owned()),
        _ => OpenError::File {
            file: file.to_owned(),
            cause: cause.into(),
        },
    }
}

fn sqlite_error(file: &Path, cause: impl Error + Send + Sync + 'static) -> OpenError {
    let message = cause.to_string();
    if message.contains("is full") {
        OpenError::DiskFull(file.to_owned())
    } else if message.contains("readonly") || message.contains("unable to open") {
        OpenError::NotWritable(file.to_owned())
    } else if message.contains("not a database") || message.contains("malformed") {
        OpenError::NotADatabase(file.to_owned())
    } else if message.contains("locked") {
        OpenError::Locked(file.to_owned())
    } else {
        OpenError::File {
            file: file.to_owned(),
            cause: cause.into(),
        }
    }
}

fn open_postgres(url: &str, bounds: Bounds, prepared_statements: bool) -> Result<Database, OpenError> {
    drop(postgres_connection(url, prepared_statements).map_err(|cause| refusal(&cause.to_string()))?);
    let url: Arc<str> = url.into();
    let to_use = Arc::clone(&url);
    let connect: Connect<_> = Box::new(move || postgres_connection(&to_use, prepared_statements));
    let threads = |cause: io::Error| OpenError::Server(cause.to_string());
    let pool = Workers::start("postgres", bounds, connect).map_err(threads)?;
    Ok(Database::Postgres { pool, url })
}

/// The limits of a database session. Behind a pooler in transaction mode they apply to whichever session ran them, so transactions
/// set their own limits. Single statements rely on these.
const POSTGRES_SETTINGS: &str = "SET statement_timeout = 4000; SET lock_timeout = 3000; \
                                 SET idle_in_transaction_session_timeout = 3000";

fn postgres_connection(url: &str, prepared_statements: bool) -> Result<PgConnection, ConnectionError> {
    let mut connection = PgConnection::establish(url)?;
    connection
        .batch_execute(POSTGRES_SETTINGS)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    if !prepared_statements {
        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    }
    Ok(connection)
}
