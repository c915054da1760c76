//! `keyward session …`: whose sessions, and which.

use super::Output;
use clap::{Subcommand, ValueEnum};

/// Which sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SessionStatus {
    /// Those that live.
    Active,
    /// Those that ended or lapsed.
    Ended,
    /// Both.
    All,
}

/// `keyward session`.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List a user's sessions, newest first.
    List {
        /// Address or id.
        user: String,
        /// Which.
        #[arg(long, value_enum, default_value = "active")]
        status: SessionStatus,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// End one session, or all of a user.
    End {
        /// The session's id.
        #[arg(required_unless_present = "all_of", conflicts_with = "all_of")]
        session: Option<String>,
        /// All sessions of this user (address or id).
        #[arg(long, value_name = "USER")]
        all_of: Option<String>,
    },
}
