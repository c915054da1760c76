//! Rate limits: their counters, shared by all nodes through Redis or kept in the process.
//!
//! The crate's rule: **a request takes a permit of each limit that applies to it, or of none, in one step.** So a limit never
//! counts a request that another limit refused, and an attacker whom one limit stops can't use up another. The algorithm is
//! GCRA: [`auth_domain::rate`] decides what a counter grants, and this crate keeps the counters.
//!
//! With Redis, all nodes share the counters, and one script decides in one round trip. While Redis is unavailable, each process
//! counts by itself: the limits then hold for each node instead of for all together, and no request waits or fails because of
//! the outage (docs/rules.md §7). A counter is removed only when it has expired, never to make room for others.

pub mod admission;
pub mod config;
pub mod limits;
pub mod name;
pub mod permit;
pub mod script_runner;
pub mod take_result;

mod circuit_breaker;
mod local_counters;
mod redis_counters;
mod table;

pub use admission::{Admission, DeviceDigests};
pub use config::LimitsConfig;
pub use limits::Limits;
pub use name::LimitName;
pub use permit::Permit;
pub use script_runner::ScriptRunner;
pub use take_result::{LimitStatus, TakeResult};
