//! What can be done: one file a use case.
//!
//! The crate ties the domain's decisions, the store and the blacklist together, and knows no HTTP. A use case reads as one
//! straight line: parse, decide in one committed step, announce what was revoked, answer.

mod accounts;
mod activity;
mod admin;
mod administer;
mod api_keys;
mod audit;
mod authenticate;
mod background;
mod browser;
mod clients;
mod config;
mod device;
mod email;
mod error;
mod form_tokens;
mod gate;
mod hashing;
mod introspect;
mod keyring;
mod keys;
mod keyset;
mod login;
mod logout;
mod logout_all;
mod mailed;
mod master_key;
mod me;
mod moment;
mod password;
mod post;
mod readiness;
mod refresh;
mod register;
mod revoke;
mod rules;
mod service;
mod sessions;
mod setup;
mod signer;
mod stats;
mod tokens;
mod truth;

pub use accounts::{AccountRef, ChangedUser, NewAccount};
pub use activity::{ActivityCount, ActivityKind};
pub use admin::Admin;
pub use administer::WantedChange;
pub use api_keys::{Bearer, MOST_API_KEYS, WantedKey};
pub use audit::{AuditLog, Beginning, Chain};
pub use authenticate::Principal;
pub use config::{
    Algorithm, AuditConfig, Complaint, OauthConfig, PasswordConfig, RegistrationConfig, RotationConfig,
    ServiceConfig, SessionConfig, TokensConfig,
};
pub use device::KNOWN_FOR;
pub use email::{Confirmed, LinkNeeds, ShownWithLink};
pub use error::Error;
pub use form_tokens::Visitor;
pub use hashing::time_argon2;
pub use introspect::Introspection;
pub use keys::{KeyAdmin, Resealed};
pub use master_key::{MasterKey, MasterKeyError};
pub use me::Export;
pub use moment::{
    Caller, Clock, ClockOff, DatabaseClock, Entropy, EntropyFailed, SystemClock, SystemEntropy,
};
pub use readiness::{Check, Figures, Readiness};
pub use register::{Registered, Registration};
pub use rules::{ConfiguredLimit, ConfiguredLimits};
pub use service::{Service, ServiceParts, StartError, Tokens};
pub use sessions::{OthersEnded, PageRequest, SessionView};
pub use setup::Setup;
pub use stats::Stats;
pub use truth::StoredTruth;

pub use auth_limits::{LimitName, Standing};
pub use auth_storage::{AuditFilter, SessionFilter, UserChange, UserFilter};
