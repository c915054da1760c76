//! What the use cases are built from: keys, tokens, hashes, counters, configuration. The rule: nothing here uses `Service`.

pub(crate) mod account_digests;
pub(crate) mod activity;
pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod browser_marks;
pub(crate) mod caller;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod device;
pub(crate) mod entropy;
pub(crate) mod events;
pub(crate) mod failure;
pub(crate) mod form_tokens;
pub(crate) mod hashing;
pub(crate) mod input;
pub(crate) mod keyring;
pub(crate) mod keys;
pub(crate) mod keyset;
pub(crate) mod mail_tokens;
pub(crate) mod master_key;
pub(crate) mod principal;
pub(crate) mod refusals;
pub(crate) mod revocation_source;
pub(crate) mod signer;
pub(crate) mod stats;
pub(crate) mod tokens;
