//! One `serve` process a SQLite file: the copy of the revocations in its memory is the only one (docs/rules.md §1).

use crate::{error::AlreadyServed, open::Database};
use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    path::PathBuf,
    sync::Arc,
};

/// The right to serve the database, for as long as the value or a clone of it lives. The operating system takes it back from a
/// process that dies, however it dies.
#[derive(Debug, Clone)]
pub struct ServeLock {
    /// Held open; `None` on PostgreSQL, where any number may serve.
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
