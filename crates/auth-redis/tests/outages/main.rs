//! The connections over real servers on bad days: killed, cut off, demoted; and servers that are the wrong ones.
//!
//! Needs `redis-server` (feature `services`). Every test runs servers of its own. The tests of `auth-blacklist` and `auth-limits`
//! share the servers.

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
