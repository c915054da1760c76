//! `keyward mail …`: the arguments of its subcommands.

use super::Output;
use clap::Subcommand;

/// `keyward mail`.
#[derive(Debug, Subcommand)]
pub enum Mail {
    /// Count the queued emails and the emails that were given up.
    Status(Output),
    /// List the emails that wait after a failed attempt and those that were given up, oldest first. Addresses are not shown.
    List(Output),
    /// Try emails again now, including those that were given up.
    Retry {
        /// The IDs that `keyward mail list` shows.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        mails: Vec<String>,
        /// All emails that `keyward mail list` shows.
        #[arg(long)]
        all: bool,
    },
}
