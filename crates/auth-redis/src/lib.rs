//! The connections to Redis: one server, a cluster, or the master that sentinels name.
//!
//! The crate's rule: **a connection is made once, at a moment that its user sees, and is never made anew behind the user's
//! back.** What Redis may be believed depends on when the connection was made (`auth-blacklist`), and a script that counts must
//! not be sent twice (`auth-limits`). A manager that reconnects by itself would hide the one and do the other.
//!
//! There is no pool: one multiplexed connection carries many requests, and their commands are pipelined by themselves. A cluster
//! and sentinels need no more than that. All keys of one use share a slot ([`KeySpace`]) and so live on one server at a time:
//! finding that server is part of making the connection ([`Servers::connect`]), and an answer such as `MOVED` ends it.
//!
//! The library `redis` is used by this crate alone. None of its types is in a public signature.

mod connection;
mod error;
mod key_space;
mod scripts;
mod servers;
mod urls;

pub use connection::Connection;
pub use error::RedisError;
pub use key_space::KeySpace;
pub use scripts::Scripts;
pub use servers::Servers;
pub use urls::{RedisUrls, UnusableUrl};
