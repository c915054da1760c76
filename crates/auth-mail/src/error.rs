//! Errors, with texts for the operator. No error quotes the contents of a letter.

use auth_domain::settings::Complaint;
use std::{io, path::PathBuf};

/// Why no mail can be sent, or why a letter can't be rendered. It never quotes the contents of a letter.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A key of `[mail]` has an invalid value.
    #[error("mail.{} {}", .0.key, .0.what)]
    Setting(Complaint),
    /// A template is invalid.
    #[error("mail template {file}: {what}")]
    Template {
        /// The file of the template.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// A file or a folder can't be read or written.
    #[error("mail.{key}: {}: {source}", path.display())]
    Unreadable {
        /// The key of `[mail]` that names it.
        key: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl MailError {
    /// An invalid value of a key of `[mail]`.
    pub(crate) fn setting(key: &'static str, what: impl Into<String>) -> Self {
        Self::Setting(Complaint::new(key, what))
    }
}

impl From<MailError> for Complaint {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Setting(complaint) => complaint,
            MailError::Template { file, what } => Self::new("templates", format!("{file}: {what}")),
            MailError::Unreadable { key, path, source } => {
                Self::new(key, format!("{}: {source}", path.display()))
            }
        }
    }
}

/// Why a letter was not delivered. The text is for the log and the operator. It contains no link and no part of the mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// A later attempt may succeed by itself: the server is down or busy, or deferred the mail.
    #[error("{0}")]
    Later(String),
    /// A later attempt may succeed once the operator has changed the configuration: the server refuses the name in EHLO, the sign-in, the
    /// sender or relaying, or its certificate is not trusted.
    #[error("{0}")]
    SetUp(String),
    /// No later attempt will succeed: the server refused the recipient or the message permanently.
    #[error("{0}")]
    Never(String),
}
