//! `keyward api-key …`: whose keys, and which.

use super::Output;
use clap::Subcommand;

/// `keyward api-key`.
#[derive(Debug, Subcommand)]
pub enum ApiKey {
    /// List a user's API keys, newest first.
    List {
        /// Address or id of their owner.
        user: String,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Take an API key away; it is refused from now on.
    Revoke {
        /// Address or id of its owner.
        user: String,
        /// The key's id.
        key: String,
    },
}
