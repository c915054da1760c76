//! The right to serve. The rule: one `serve` process for each SQLite file, because its memory holds the only copy of the revocations
//! (docs/rules.md §1).

use crate::{error::AlreadyServed, open::Database};
use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    path::PathBuf,
    sync::Arc,
};

/// The right to serve the database, for as long as this value or a clone of it exists. The operating system releases it when the
/// process ends, for any reason.
#[derive(Debug, Clone)]
pub struct ServeLock {
    /// The open lock file; `None` on PostgreSQL, where any number of processes may serve.
    _file: Option<Arc<File>>,
}

pub(crate) fn claim(database: &Database) -> Result<ServeLock, AlreadyServed> {
    let Database::Sqlite { file, .. } = database else {
        return Ok(ServeLock { _file: None });
    };
    let mut name: OsString = file.clone().into_os_string();
    name.push(".serve.lock");
    let path = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = match options.open(&path) {
        Ok(lock) => lock,
        Err(cause) => return Err(AlreadyServed::NoLock { file: path, cause }),
    };
    match lock.try_lock() {
        Ok(()) => Ok(ServeLock {
            _file: Some(Arc::new(lock)),
        }),
        Err(TryLockError::WouldBlock) => Err(AlreadyServed::ByAnother(path)),
        Err(TryLockError::Error(cause)) => Err(AlreadyServed::NoLock { file: path, cause }),
    }
}
