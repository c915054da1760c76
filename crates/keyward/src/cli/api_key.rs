//! `keyward api-key …`: the arguments of its subcommands.

use super::Output;
use clap::Subcommand;

/// `keyward api-key`.
#[derive(Debug, Subcommand)]
pub enum ApiKey {
    /// List a user's API keys, newest first.
    List {
        /// The email address or ID of their owner.
        user: String,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Revoke an API key; it is refused from now on.
    Revoke {
        /// The email address or ID of its owner.
        user: String,
        /// The key's ID.
        key: String,
    },
}
