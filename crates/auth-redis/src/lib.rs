//! Connections to Redis: one server, a cluster, or the master that Redis Sentinel names.
//!
//! The crate's rule: **a connection is made once, explicitly, and never reconnects by itself.** Whether an answer of Redis can be
//! relied on depends on when the connection was made (`auth-blacklist`), and a script that counts must not be sent twice
//! (`auth-limits`). A connection manager that reconnects would hide the first and do the second.
//!
//! There is no pool: one multiplexed connection carries the commands of many requests and pipelines them. That is enough for a
//! cluster and for sentinels, too. All keys of one purpose share a slot ([`KeySpace`]) and so are on one server at a time. Finding
//! that server is part of connecting ([`Servers::connect`]), and an answer such as `MOVED` ends the connection.
//!
//! The library `redis` is used by this crate alone. None of its types is in a public signature.

mod connection;
mod error;
mod key_space;
mod script_client;
mod servers;
mod urls;

pub use connection::Connection;
pub use error::RedisError;
pub use key_space::KeySpace;
pub use script_client::ScriptClient;
pub use servers::Servers;
pub use urls::{InvalidRedisUrl, RedisUrls};
