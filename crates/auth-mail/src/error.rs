//! What goes wrong, in words for the operator: none quotes what a letter tells.

use auth_domain::settings::Complaint;
use std::{io, path::PathBuf};

/// Why mail can't be sent at all, or a letter not be put into words. Never quotes what a letter tells.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A key of `[mail]` won't do.
    #[error("mail.{} {}", .0.key, .0.what)]
    Setting(Complaint),
    /// A template won't do.
    #[error("mail template {file}: {what}")]
    Template {
        /// The file.
        file: String,
        /// Why not.
        what: String,
    },
    /// A file or a folder can't be used.
    #[error("mail.{key}: {}: {source}", path.display())]
    Unreadable {
        /// The key that names it.
        key: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl MailError {
    /// A key of `[mail]` won't do.
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

/// Why a letter was not delivered. The sentence is for the log and the operator: it holds no link, and no part of the mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Another attempt may succeed by itself: a server that is down, busy or puts the mail off.
    #[error("{0}")]
    Later(String),
    /// Another attempt may succeed once the operator has changed the set-up: the server refuses the name in EHLO, the sign-in,
    /// the sender or relaying, or its certificate can't be trusted.
    #[error("{0}")]
    SetUp(String),
    /// No attempt will: the server refused the recipient or the message for good.
    #[error("{0}")]
    Never(String),
}
