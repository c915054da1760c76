//! The built binary as its users and operators run it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

#[cfg(feature = "services")]
mod database_days;
mod embedded;
#[cfg(feature = "services")]
mod fleet;
#[cfg(feature = "services")]
mod forward_auth;
mod readme;
#[cfg(feature = "services")]
mod redis_days;
