//! What goes wrong, in words for the operator: none quotes what a letter tells.

use std::{io, path::PathBuf};

/// Why mail can't be sent at all, or a letter not be put into words. Never quotes what a letter tells.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A key of `[mail]` won't do.
    #[error("mail.{key} {what}")]
    Setting {
        /// The key.
        key: &'static str,
        /// Why not.
        what: String,
    },
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
    /// The key of `[mail]` that is at fault, and why.
    pub(crate) fn by_key(self) -> (&'static str, String) {
        match self {
            Self::Setting { key, what } => (key, what),
            Self::Template { file, what } => ("templates", format!("{file}: {what}")),
            Self::Unreadable { key, path, source } => (key, format!("{}: {source}", path.display())),
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
