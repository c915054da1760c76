//! The one who renders letters and hands them over.

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

/// Renders letters and delivers them. Made once, and shared by whoever delivers.
pub struct Mailer {
    templates: Templates,
    sender: Sender,
    way: Way,
    longest_delivery: Duration,
}

/// How mail leaves.
enum Way {
    Files(FilesTransport),
    Smtp(Box<SmtpTransport>),
}

impl MailConfig {
    /// What is wrong with the files that the section names, as far as a server would use them. They are read, and every template is tried; nothing is written, and nothing is connected to.
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
    /// Checks the configuration, and reads and tries every template. Connects to nothing yet.
    ///
    /// # Errors
    /// The first thing that is wrong: a setting, a template by its file, a file or folder that can't be used.
    pub fn start(config: &MailConfig) -> Result<Self, MailError> {
        if let Some(complaint) = config.validate().into_iter().next() {
            return Err(MailError::Setting(complaint));
        }
        let templates = Templates::load(config.templates.as_deref(), &config.language)?;
        let sender = Sender::new(config)?;
        let way = match config.transport {
            Transport::Files => Way::Files(FilesTransport::open(
                config
                    .folder
                    .as_deref()
                    .ok_or_else(|| MailError::setting("folder", "must be set"))?,
            )?),
            Transport::Smtp => Way::Smtp(Box::new(SmtpTransport::new(config)?)),
        };
        Ok(Self {
            templates,
            sender,
            longest_delivery: match &way {
                Way::Files(_) => config.timeout,
                Way::Smtp(smtp) => smtp.longest_delivery(),
            },
            way,
        })
    }

    /// How long a delivery takes at most, or is given up.
    #[must_use]
    pub const fn longest_delivery(&self) -> Duration {
        self.longest_delivery
    }

    /// Whether mail is known not to reach an address: it has characters beyond ASCII, and the mail server was last seen
    /// without SMTPUTF8 (RFC 6531). The answer depends on the address and the server alone.
    #[must_use]
    pub fn can_not_reach(&self, address: &EmailAddress) -> bool {
        match &self.way {
            Way::Files(_) => false,
            Way::Smtp(smtp) => address.is_internationalised() && smtp.takes_ascii_only(),
        }
    }

    /// Puts a letter into words, as it would be sent.
    ///
    /// # Errors
    /// A template that fails with these facts, though it did not when it was tried at the start.
    pub fn render(&self, letter: &Letter) -> Result<Content, MailError> {
        self.templates.render(letter)
    }

    /// Delivers a letter: when it returns `Ok`, the file is on the disk or the server has taken the mail over. Where the answer
    /// of a server got lost the mail may have been taken all the same; the next attempt has the same Message-ID.
    ///
    /// # Errors
    /// See [`Undelivered`].
    pub async fn deliver(&self, letter: &Letter) -> Result<(), Undelivered> {
        let content = self
            .render(letter)
            .map_err(|error| Undelivered::Later(error.to_string()))?;
        let outgoing = self.sender.compose(letter, content)?;
        match &self.way {
            Way::Files(files) => files.deliver(outgoing).await,
            Way::Smtp(smtp) => smtp.deliver(&outgoing).await,
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Files(_) => "files",
            Way::Smtp(_) => "smtp",
        };
        f.debug_struct("Mailer")
            .field("way", &way)
            .finish_non_exhaustive()
    }
}
