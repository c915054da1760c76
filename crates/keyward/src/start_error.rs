//! Why the server can't start, or why a command can't reach the database.

use crate::{config::ConfigErrors, master_key::NoMasterKey};
use auth_api::ServeError;
use auth_mail::MailError;
use auth_service::{Failure, SignInError};
use auth_storage::{AlreadyServed, MigrateError, OpenError, StorageError};
use std::{io, path::PathBuf};

/// Why the server can't start, or why a command can't reach the database.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder can't be created.
    #[error("the data folder {} can't be created: {error}; give the user of this process the permission, or name another folder with --data-dir", .folder.display())]
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
    /// Another process serves the database.
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
    /// The key of the data folder is lost: the database was created with another key.
    #[error(
        "there was no master key file {}, but the database was created with one: restore the file from your backup \
         (nothing was changed)", .0.display()
    )]
    LostMasterKey(PathBuf),
    /// The blacklist can't start.
    #[error("{0}")]
    Blacklist(#[from] auth_blacklist::StartError),
    /// A Redis URL can't be used.
    #[error("redis.url: {0}")]
    Redis(#[from] auth_redis::InvalidRedisUrl),
    /// Emails can't be sent.
    #[error("{0}")]
    Mail(#[from] MailError),
    /// The use cases can't start.
    #[error("{0}")]
    Service(#[from] auth_service::StartError),
    /// A use case failed.
    #[error("{0}")]
    UseCase(#[from] Failure),
    /// No set-up token was created.
    #[error("{0}")]
    SetUp(#[from] SignInError),
    /// The server can't listen.
    #[error("{0}")]
    Serve(#[from] ServeError),
    /// The pages can't be served.
    #[error("{0}")]
    Pages(#[from] auth_api::PagesError),
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(#[from] ConfigErrors),
    /// The server has no address to listen on.
    #[error("server.bind names no address to listen on")]
    NoAddress,
}

impl StartError {
    /// Whether the configuration is the cause, and not the environment.
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
