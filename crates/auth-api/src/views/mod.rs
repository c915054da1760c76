//! The JSON types that more than one route or page answers with. Times are RFC 3339 in UTC, ids are UUIDs.
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

/// An answer with a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageJson {
    /// The message.
    pub message: &'static str,
}

/// What `/logout-all` did.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedOutAllJson {
    /// The message.
    pub message: &'static str,
    /// The number of active sessions that ended.
    #[schema(minimum = 0)]
    pub sessions_revoked: u64,
}

/// A time as answers show it.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
