//! The clock on the wall is handed in.

use auth_domain::time::Timestamp;
use std::sync::Arc;

/// Tells the time; never runs backwards within a process.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
