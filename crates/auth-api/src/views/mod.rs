//! What answers look like: the types whose JSON clients see, where more than one route or page gives them. Times are RFC 3339 in UTC,
//! ids are UUIDs.
//!
//! The rule: a type here says what is shown, and decides nothing.

pub mod api_key;
pub mod audit_event;
pub mod export;
pub mod session;
pub mod tokens;
pub mod user;

use auth_domain::time::Timestamp;
use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;

/// A sentence.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageJson {
    /// What was done.
    pub message: &'static str,
}

/// What `/logout-all` did.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedOutAllJson {
    /// What was done.
    pub message: &'static str,
    /// How many live sessions ended.
    #[schema(minimum = 0)]
    pub sessions_revoked: u64,
}

/// A moment as answers show it.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
