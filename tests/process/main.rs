//! The built binary as its users and operators run it.

#![cfg(test)]

#[cfg(feature = "services")]
mod api_fuzz;
mod attacks;
mod citations;
#[cfg(feature = "services")]
mod clock_days;
#[cfg(feature = "services")]
mod database_days;
mod embedded;
#[cfg(feature = "services")]
mod fleet;
#[cfg(feature = "services")]
mod forward_auth;
#[cfg(feature = "services")]
mod mail_days;
mod readme;
#[cfg(feature = "services")]
mod redis_days;
