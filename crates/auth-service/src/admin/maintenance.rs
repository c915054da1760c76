//! What happens by itself beside the requests, done at once: for the end of the server, and for tests.

use crate::{parts::failure::Failure, service::Service};

impl Service {
    /// Notes what the limits refused in the audit log; it happens by itself each minute.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn note_refusals(&self) -> Result<(), Failure> {
        self.state().background.tasks().note_refusals().await
    }

    /// Removes what has expired; it happens by itself each minute.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn sweep(&self) -> Result<(), Failure> {
        self.state().background.tasks().sweep().await
    }

    /// Loads the signing keys anew if they changed; it happens by itself each second.
    ///
    /// # Errors
    /// A failure; the known keys stay.
    pub async fn reload_keys(&self) -> Result<(), Failure> {
        self.state().keys.reload().await
    }

    /// Writes what was counted down; it happens by itself each minute.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn write_activity(&self) -> Result<(), Failure> {
        self.state().activity.write(self.storage()).await
    }

    /// Delivers the mails that are due; it happens by itself. Answers how many were taken up.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn deliver_mail(&self) -> Result<usize, Failure> {
        self.mail_worker().deliver_due().await
    }
}
