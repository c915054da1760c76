//! Renders letters and delivers them by the configured transport.

use crate::{
    config::{MailConfig, Transport},
    error::{MailError, Undelivered},
    files::FilesTransport,
    letter::{Content, Letter},
    message::Sender,
    smtp::SmtpTransport,
    templates::Templates,
};
use auth_domain::{
    email::EmailAddress,
    settings::{Complaint, Section as _},
};
use std::{fmt, time::Duration};

/// Renders letters and delivers them. Created once and shared.
pub struct Mailer {
    templates: Templates,
    sender: Sender,
    transport: ConfiguredTransport,
    longest_delivery: Duration,
}

/// The configured transport, ready for use.
enum ConfiguredTransport {
    Files(FilesTransport),
    Smtp(Box<SmtpTransport>),
}

impl MailConfig {
    /// The complaints about the files that the section names, as far as a server would use them. The files are read and every template is
    /// rendered once. Nothing is written, and no connection is made.
    #[must_use]
    pub fn validate_files(&self) -> Vec<Complaint> {
        let templates = Templates::load(self.templates.as_deref(), &self.language).err();
        let certificates = match self.transport {
            Transport::Files => None,
            Transport::Smtp => SmtpTransport::new(self).err(),
        };
        templates
            .into_iter()
            .chain(certificates)
            .map(Complaint::from)
            .collect()
    }
}

impl Mailer {
    /// Checks the configuration, and reads every template and renders it once. No connection is made yet.
    ///
    /// # Errors
    /// The first fault: a setting, a template, or a file or folder that can't be used.
    pub fn start(config: &MailConfig) -> Result<Self, MailError> {
        if let Some(complaint) = config.validate().into_iter().next() {
            return Err(MailError::Setting(complaint));
        }
        let templates = Templates::load(config.templates.as_deref(), &config.language)?;
        let sender = Sender::new(config)?;
        let transport = match config.transport {
            Transport::Files => ConfiguredTransport::Files(FilesTransport::open(
                config
                    .folder
                    .as_deref()
                    .ok_or_else(|| MailError::setting("folder", "must be set"))?,
            )?),
            Transport::Smtp => ConfiguredTransport::Smtp(Box::new(SmtpTransport::new(config)?)),
        };
        Ok(Self {
            templates,
            sender,
            longest_delivery: match &transport {
                ConfiguredTransport::Files(_) => config.timeout,
                ConfiguredTransport::Smtp(smtp) => smtp.longest_delivery(),
            },
            transport,
        })
    }

    /// The longest time that a delivery takes before it is given up.
    #[must_use]
    pub const fn longest_delivery(&self) -> Duration {
        self.longest_delivery
    }

    /// Whether mail can't reach an address: it has characters beyond ASCII, and the mail server last offered no SMTPUTF8 (RFC 6531). The
    /// answer depends on the address and the server only.
    #[must_use]
    pub fn cannot_reach(&self, address: &EmailAddress) -> bool {
        match &self.transport {
            ConfiguredTransport::Files(_) => false,
            ConfiguredTransport::Smtp(smtp) => address.is_internationalised() && smtp.accepts_ascii_only(),
        }
    }

    /// Renders a letter as it would be sent.
    ///
    /// # Errors
    /// [`MailError::Template`] if the template fails with these values, although it did not at the start.
    pub fn render(&self, letter: &Letter) -> Result<Content, MailError> {
        self.templates.render(letter)
    }

    /// Delivers a letter. `Ok` means that the file is on the disk or that the server has accepted the mail. If the answer of the server was
    /// lost, the mail may have been accepted nevertheless; the next attempt has the same Message-ID.
    ///
    /// # Errors
    /// [`Undelivered`], which says whether another attempt could help.
    pub async fn deliver(&self, letter: &Letter) -> Result<(), Undelivered> {
        let content = self
            .render(letter)
            .map_err(|error| Undelivered::Later(error.to_string()))?;
        let outgoing = self.sender.compose(letter, content)?;
        match &self.transport {
            ConfiguredTransport::Files(files) => files.deliver(outgoing).await,
            ConfiguredTransport::Smtp(smtp) => smtp.deliver(&outgoing).await,
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            ConfiguredTransport::Files(_) => "files",
            ConfiguredTransport::Smtp(_) => "smtp",
        };
        f.debug_struct("Mailer")
            .field("transport", &transport)
            .finish_non_exhaustive()
    }
}
