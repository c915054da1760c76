//! `keyward session …`: the arguments of its subcommands.

use super::Output;
use clap::{Subcommand, ValueEnum};

/// Which sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SessionStatus {
    /// Active sessions.
    Active,
    /// Sessions that ended or expired.
    Ended,
    /// Both.
    All,
}

/// `keyward session`.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List a user's sessions, newest first.
    List {
        /// The email address or ID.
        user: String,
        /// Which sessions.
        #[arg(long, value_enum, default_value = "active")]
        status: SessionStatus,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// End one session, or all sessions of a user.
    End {
        /// The session's ID.
        #[arg(required_unless_present = "all_of", conflicts_with = "all_of")]
        session: Option<String>,
        /// All sessions of this user (email address or ID).
        #[arg(long, value_name = "USER")]
        all_of: Option<String>,
    },
}
