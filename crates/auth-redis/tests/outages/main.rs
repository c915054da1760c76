//! Connections to real servers that are killed, unreachable or demoted, and to servers that must be refused.
//!
//! Needs `redis-server` (feature `services`). Every test runs its own servers. The tests of `auth-blacklist` and `auth-limits` use
//! the module `server`, too.

#![cfg(test)]
#![cfg(feature = "services")]

mod adding;
mod proxy;
mod scripts;
#[expect(
    dead_code,
    reason = "the blacklist does more to its servers than is done here"
)]
mod server;
mod wrong_servers;
