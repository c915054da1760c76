//! What is true: the rules, states and decisions of authentication.
//!
//! The crate's rule: nothing here performs I/O, reads a clock, draws a random number or awaits. Time comes in as a
//! [`time::Timestamp`], chance as bytes, and every decision is a total function that a test can enumerate. That is why admin
//! tools may use it by itself.

pub mod address_link;
pub mod api_key;
pub mod audit;
pub mod authentication;
pub mod claims;
pub mod client;
pub mod connection_url;
pub mod credential;
pub mod delivery;
pub mod device;
pub mod email;
pub mod foreign_words;
pub mod idempotency;
pub mod ids;
pub mod invisible;
pub mod keys;
pub mod lineage;
pub mod mail;
pub mod one_time;
pub mod password;
pub mod password_hash;
pub mod rate;
pub mod revocation;
pub mod role;
pub mod rotation;
pub mod session;
pub mod settings;
pub mod sign_in_failure;
pub mod time;
pub mod user;
pub mod word;
