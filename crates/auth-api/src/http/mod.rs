//! What every answer has in common, whatever it is about: what a request carries, what an answer carries, and how both are bounded.
//!
//! The rule: nothing here knows a route or a page. Routes and pages name what they need of it in their arguments.

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
pub mod edge;
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
pub mod unread;
