//! How often: the counters of the rate limits, shared by all nodes or in the process.
//!
//! The crate's rule: **a request takes a unit of each limit that it falls under, or of none, in one step.** So a budget never
//! counts a request that another limit refused, and an attacker who is held by one limit can't use up another. What a counter
//! grants is decided by [`auth_domain::rate`]; the crate keeps the counters.
//!
//! Where there is a Redis, it has them for all nodes, and one script decides in one round trip. While it is gone every process
//! counts by itself: the limits then hold for each node rather than for all together, and no request waits or fails for it
//! (docs/rules.md §7). Counters end by time alone. None that still counts gives way to others, however many there are.

pub mod admission;
pub mod claim;
pub mod config;
pub mod limits;
pub mod name;
pub mod script_runner;
pub mod taken;

mod breaker;
mod process;
mod remote;
mod table;

pub use admission::{Admission, Known};
pub use claim::Claim;
pub use config::LimitsConfig;
pub use limits::Limits;
pub use name::LimitName;
pub use script_runner::ScriptRunner;
pub use taken::{Standing, Taken};
