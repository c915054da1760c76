//! What the use cases stand on: keys, tokens, hashes, marks, counters, configuration. The rule: nothing here names `Service`.

pub(crate) mod activity;
pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod browser;
pub(crate) mod config;
pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod form_tokens;
pub(crate) mod gate;
pub(crate) mod hashing;
pub(crate) mod keyring;
pub(crate) mod keys;
pub(crate) mod keyset;
pub(crate) mod mailed;
pub(crate) mod master_key;
pub(crate) mod moment;
pub(crate) mod signer;
pub(crate) mod tokens;
pub(crate) mod truth;
