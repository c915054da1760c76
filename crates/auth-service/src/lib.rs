//! The use cases of the server, one file for each.
//!
//! The crate ties the domain's decisions, the store and the blacklist together, and knows no HTTP. A use case is one straight line:
//! it parses the input, decides and commits in one transaction, carries out the effects of the commit, and answers.

mod account;
mod admin;
mod background;
mod clients;
mod delivery;
#[cfg(test)]
mod for_tests;
mod parts;
mod password_check;
mod service;
mod sessions;
mod sign_in;
mod start;
mod throttle;

pub use account::{
    api_keys::{ApiKeyError, MAX_API_KEYS, NewApiKey},
    email::{ConfirmedAddress, NewAddress},
    error::AccountError,
    me::Export,
    reauthenticate::{PresentedProof, Reauthenticated},
};
pub use admin::{
    error::AdminError,
    readiness::{Check, Gauges, Readiness},
    users::{NewUser, UserChangeRequest, UserRef},
};
pub use clients::{introspect::Introspection, registered::ClientError};
pub use parts::{
    activity::{ActivityCount, ActivityKind},
    admin::Admin,
    audit::{AuditLog, ChainStart, ChainStatus},
    caller::Caller,
    clock::{Clock, ClockOff, DatabaseClock, SystemClock},
    config::{
        AuditConfig, HashingConfig, OauthConfig, RegistrationConfig, RotationConfig, ServiceConfig,
        SessionConfig, TokensConfig,
    },
    device::KNOWN_DEVICE_LIFETIME,
    entropy::{Entropy, EntropyFailed, SystemEntropy},
    events::{Event, Refusal, RevokedBy, Subscriber},
    failure::{Cause, Failure},
    form_tokens::Visitor,
    hashing::time_argon2,
    input::{InputError, InputRefused},
    keys::{KeyAdmin, KeyError, Resealed},
    master_key::{MasterKey, MasterKeyError},
    principal::{Bearer, Principal},
    refusals::RateLimited,
    revocation_source::DatabaseRevocations,
    stats::Stats,
    tokens::{TokenError, TokenRefused},
};
pub use service::Service;
pub use sessions::{
    error::SessionError,
    own_sessions::{OtherSessionsEnded, SessionView},
    tokens::Tokens,
};
pub use sign_in::{
    complete::{Challenge, SignInStep},
    error::SignInError,
    register::{Registered, Registration},
    rules::{ConfiguredLimit, ConfiguredLimits},
    setup::Setup,
};
pub use start::{ServiceParts, StartError};

pub use auth_limits::{LimitName, LimitStatus};
pub use auth_storage::{
    AfterCommit, Committed, Pagination,
    audit::Filter as AuditFilter,
    sessions::Filter as SessionFilter,
    users::{Change as UserChange, Changed as ChangedUser, Filter as UserFilter},
};
