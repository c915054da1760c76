//! Faults under load. Each module states its promise: which answers are allowed meanwhile, and how soon every node recovers.

#[cfg(feature = "services")]
pub(crate) mod clock;
pub(crate) mod disk;
#[cfg(feature = "services")]
pub(crate) mod postgres;
#[cfg(feature = "services")]
pub(crate) mod redis;

/// How many callers.
const CALLERS: usize = 4;
