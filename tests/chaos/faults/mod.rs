//! Faults under load, a promise each: what may be answered meanwhile, and how soon all is well again.

#[cfg(feature = "services")]
pub(crate) mod clock;
pub(crate) mod disk;
#[cfg(feature = "services")]
pub(crate) mod postgres;
#[cfg(feature = "services")]
pub(crate) mod redis;

/// How many callers.
const CALLERS: usize = 4;
