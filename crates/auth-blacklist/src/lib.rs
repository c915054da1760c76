//! Revocation checks: fast copies of the revocations, in the process and in Redis.
//!
//! The crate's rule: the database is the authoritative source, and a copy decides only if it provably has every relevant revocation.
//! **Once the request that revoked a token has been answered, no node accepts that token, and no valid token is refused, whatever
//! happens to Redis** (docs/rules.md §1). A pure function ([`protocol::Policy`]) decides which copy may answer, from the times at which
//! each copy was read or reached. The rest of the crate does the I/O. The simulation in `tests/` runs all of it except the sockets, in
//! virtual time, against a database with slow commits and a Redis that loses data.
//!
//! The guarantee has four conditions. Transactions that write revocations end within [`config::LONGEST_WRITE`]. Every node has the same
//! `blacklist.max_staleness`. The clocks of the nodes and of the database agree within a second: a revocation is kept for that much
//! longer than its tokens are valid. Redis is one server at a time, reached without a proxy that hides reconnects, and does not evict
//! keys. If the condition on Redis is violated, a revoked token may be accepted for one more `blacklist.read_interval`.

mod blacklist;
pub mod clock;
pub mod config;
pub mod copy;
pub mod moment;
pub mod protocol;
pub mod redis;
pub mod redis_interface;
pub mod revocation_source;
pub mod window;

mod backlog;
mod link;
mod node_state;
mod reader;
mod writer;

pub use blacklist::{Blacklist, BlacklistHealth, RedisHealth, StartError};
pub use clock::Clock;
pub use config::{BlacklistConfig, Nodes};
pub use protocol::Unavailable;
pub use revocation_source::{RevocationBatch, RevocationSource, SourceUnavailable};
