//! The wall clock is passed in by the caller.

use auth_domain::time::Timestamp;
use std::sync::Arc;

/// Returns the current time. It never runs backwards within a process.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
