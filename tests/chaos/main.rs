//! Crashes and faults under load, with an oracle that remembers every acknowledged answer. The rule: nothing acknowledged is lost, no
//! refresh token works twice, nothing revoked is accepted again, and an outage is never reported as a sign-out.
//!
//! The quick form runs with all other tests. The long form is `make chaos`; its settings are in `report`. `make rolling` replaces one
//! version by another under the same load (`rolling`).

#![cfg(test)]
#![cfg(target_os = "linux")]
#![cfg_attr(
    not(feature = "services"),
    expect(dead_code, reason = "most of it needs PostgreSQL and Redis")
)]

mod audit;
mod client;
mod crash;
mod faults;
mod fleet;
mod load;
#[cfg(feature = "services")]
mod long;
mod oracle;
mod quick;
mod random;
mod reading;
mod report;
#[cfg(feature = "services")]
mod rolling;
mod scenario;
