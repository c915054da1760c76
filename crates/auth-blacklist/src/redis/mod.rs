//! The real Redis. One multiplexed connection on which commands are pipelined by themselves, made by this crate alone: a
//! manager that reconnects behind our back would hide the one thing that tells whether Redis may be believed.
//!
//! A cluster and sentinels need no more than that, because all keys share one slot and so live on one server at a time:
//! finding that server is part of making the connection, and an answer such as `MOVED` ends it.

mod connection;
mod finder;
mod keys;
mod scripts;
mod servers;
mod urls;

pub use scripts::Scripts;
pub use servers::Servers;
pub use urls::{RedisUrls, UnusableUrl};
