//! The built binary as its users and operators run it.

#![cfg(test)]

#[cfg(feature = "services")]
mod api_fuzz;
mod attacks;
mod citations;
#[cfg(feature = "services")]
mod clock_skew;
mod embedded;
#[cfg(feature = "services")]
mod fleet;
#[cfg(feature = "services")]
mod forward_auth;
#[cfg(feature = "services")]
mod mail_fleet;
#[cfg(feature = "services")]
mod postgres_outage;
mod readme;
#[cfg(feature = "services")]
mod redis_outage;
