//! The transport that sends nothing: each mail is a file, `<id>.eml`, which mail programs open.
//!
//! A file appears whole or not at all, only its owner may read it, and another attempt replaces it.

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

/// Numbers the files that are being written, so that no two are the same.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// The folder.
pub(crate) struct FilesTransport {
    folder: PathBuf,
}

impl FilesTransport {
    /// Takes the folder, and makes it where it is missing: for its owner alone.
    pub(crate) fn open(folder: &Path) -> Result<Self, MailError> {
        make_folder(folder).map_err(|source| MailError::Unreadable {
            key: "folder",
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Writes the file.
    pub(crate) async fn deliver(&self, mail: Outgoing) -> Result<(), Undelivered> {
        let folder = self.folder.clone();
        let later = |what: String| Undelivered::Later(format!("the mail could not be written: {what}"));
        tokio::task::spawn_blocking(move || write(&folder, &mail))
            .await
            .map_err(|_| later("the writer was stopped".to_owned()))?
            .map_err(|error| later(error.to_string()))
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write(folder: &Path, mail: &Outgoing) -> io::Result<()> {
    make_folder(folder)?;
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = folder.join(format!(".{}.{}-{number}", mail.id, process::id()));
    let written = write_draft(&draft, &mail.bytes)
        .and_then(|()| fs::rename(&draft, folder.join(format!("{}.eml", mail.id))));
    if written.is_err() {
        // Whether this succeeds or not, the first failure is the one to tell.
        let _ = fs::remove_file(&draft);
        return written;
    }
    // The name, too, has to outlive a power cut: the outbox forgets the mail after this.
    File::open(folder)?.sync_all()
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}
