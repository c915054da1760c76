//! `keyward mail …`: which mails are not sent, and another attempt.

use super::Output;
use clap::Subcommand;

/// `keyward mail`.
#[derive(Debug, Subcommand)]
pub enum Mail {
    /// Count the mails that wait, and those that were given up.
    Status(Output),
    /// List the mails that wait after a failed attempt and those that were given up, the oldest first. Addresses are not shown.
    List(Output),
    /// Try mails again now, those that were given up among them.
    Retry {
        /// Their ids, as `keyward mail list` shows them.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        mails: Vec<String>,
        /// All that `keyward mail list` shows.
        #[arg(long)]
        all: bool,
    },
}
