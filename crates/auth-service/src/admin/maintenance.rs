//! Background work, done at once: for the end of the server, and for tests.

use crate::{parts::failure::Failure, service::Service};

impl Service {
    /// Records in the audit log what the limits refused. The server does so each minute.
    pub async fn note_refusals(&self) -> Result<(), Failure> {
        self.state().background.tasks().note_refusals().await
    }

    /// Removes what has expired. The server does so each minute.
    pub async fn sweep(&self) -> Result<(), Failure> {
        self.state().background.tasks().sweep().await
    }

    /// Reloads the signing keys if they changed. The server does so each second.
    ///
    /// # Errors
    /// A failure; the loaded keys stay in use.
    pub async fn reload_keys(&self) -> Result<(), Failure> {
        self.state().keys.reload().await
    }

    /// Stores the activity that was counted. The server does so each minute.
    pub async fn write_activity(&self) -> Result<(), Failure> {
        self.state().activity.write(self.storage()).await
    }

    /// Delivers the mails that are due. The server does so by itself. Returns how many it claimed.
    pub async fn deliver_mail(&self) -> Result<usize, Failure> {
        self.mail_worker().deliver_due().await
    }
}
