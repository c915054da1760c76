//! The transport that sends nothing: each mail becomes a file `<id>.eml`, which mail programs can open.
//!
//! A file is written atomically, only its owner may read it, and another attempt replaces it.

use crate::{
    error::{MailError, Undelivered},
    message::Outgoing,
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// Numbers the temporary files, so that each has a name of its own.
static TEMPORARY_FILES: AtomicU64 = AtomicU64::new(0);

/// The folder of the mails.
pub(crate) struct FilesTransport {
    folder: PathBuf,
}

impl FilesTransport {
    /// Opens the folder, and creates it if it is missing, readable by its owner only.
    pub(crate) fn open(folder: &Path) -> Result<Self, MailError> {
        create_folder(folder).map_err(|source| MailError::Unreadable {
            key: "folder",
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Writes the mail's file.
    pub(crate) async fn deliver(&self, mail: Outgoing) -> Result<(), Undelivered> {
        let folder = self.folder.clone();
        let later = |what: String| Undelivered::Later(format!("the mail could not be written: {what}"));
        tokio::task::spawn_blocking(move || write(&folder, &mail))
            .await
            .map_err(|_| later("the writer was stopped".to_owned()))?
            .map_err(|error| later(error.to_string()))
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write(folder: &Path, mail: &Outgoing) -> io::Result<()> {
    create_folder(folder)?;
    let number = TEMPORARY_FILES.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{}.{}-{number}", mail.id, process::id()));
    let written = write_file(&temporary, &mail.bytes)
        .and_then(|()| fs::rename(&temporary, folder.join(format!("{}.eml", mail.id))));
    if written.is_err() {
        // Report the first failure, whether or not this succeeds.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    // The directory entry must survive a power cut, too: after this the outbox deletes the mail.
    File::open(folder)?.sync_all()
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
