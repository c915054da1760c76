//! What can be done: one file a use case.
//!
//! The crate ties the domain's decisions, the store and the blacklist together, and knows no HTTP. A use case reads as one
//! straight line: parse, decide in one committed step, announce what was revoked, answer.

mod account;
mod admin;
mod background;
mod clients;
mod delivery;
mod parts;
mod service;
mod sessions;
mod sign_in;

pub use account::api_keys::{Bearer, MOST_API_KEYS, WantedKey};
pub use account::email::{Confirmed, LinkNeeds, ShownWithLink};
pub use account::me::Export;
pub use admin::accounts::{AccountRef, ChangedUser, NewAccount};
pub use admin::administer::WantedChange;
pub use admin::readiness::{Check, Figures, Readiness};
pub use admin::stats::Stats;
pub use clients::introspect::Introspection;
pub use parts::activity::{ActivityCount, ActivityKind};
pub use parts::admin::Admin;
pub use parts::audit::{AuditLog, Beginning, Chain};
pub use parts::config::{
    Algorithm, AuditConfig, Complaint, OauthConfig, PasswordConfig, RegistrationConfig, RotationConfig,
    ServiceConfig, SessionConfig, TokensConfig,
};
pub use parts::device::KNOWN_FOR;
pub use parts::error::Error;
pub use parts::form_tokens::Visitor;
pub use parts::hashing::time_argon2;
pub use parts::keys::{KeyAdmin, Resealed};
pub use parts::master_key::{MasterKey, MasterKeyError};
pub use parts::moment::{
    Caller, Clock, ClockOff, DatabaseClock, Entropy, EntropyFailed, SystemClock, SystemEntropy,
};
pub use parts::truth::StoredTruth;
pub use service::{Service, ServiceParts, StartError, Tokens};
pub use sessions::authenticate::Principal;
pub use sessions::own::{OthersEnded, PageRequest, SessionView};
pub use sign_in::register::{Registered, Registration};
pub use sign_in::rules::{ConfiguredLimit, ConfiguredLimits};
pub use sign_in::setup::Setup;

pub use auth_limits::{LimitName, Standing};
pub use auth_storage::{AuditFilter, SessionFilter, UserChange, UserFilter};
