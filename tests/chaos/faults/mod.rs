//! Faults under load, a promise each: what may be answered meanwhile, and how soon all is well again.

pub(crate) mod clock;
pub(crate) mod disk;
pub(crate) mod postgres;
pub(crate) mod redis;

/// How many callers.
const CALLERS: usize = 6;
