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
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why a letter was not delivered. The sentence is for the log and the operator: it holds no link, and no part of the mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Another attempt may succeed, or an operator can mend what is wrong: a server that is down, busy or does not let us in.
    #[error("{0}")]
    Later(String),
    /// No attempt will: the server refused the recipient or the message for good.
    #[error("{0}")]
    Never(String),
}
