//! What all requests and answers have in common: what they carry, how they are bounded, and how a route is declared.
//!
//! The rule: nothing here knows a single route or page. Routes and pages name what they need in their arguments.

pub mod access_log;
pub mod bearer;
pub mod body;
pub mod call;
pub mod client_address;
pub mod config;
pub mod connections;
pub mod cookie;
pub mod cors;
pub mod cursor;
pub mod device;
pub mod form;
pub mod headers;
pub mod idempotency;
pub mod json;
pub mod metrics;
pub mod path;
pub mod permission;
pub mod problem;
pub mod query;
pub mod request_id;
pub mod route;
pub mod state;
pub mod unread;
