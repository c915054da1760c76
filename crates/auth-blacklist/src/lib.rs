//! What is refused: the fast copies of revocations, in the process and in Redis.
//!
//! The crate's rule: the database is the truth, and a copy decides only where it provably knows all that matters. **Once a
//! revocation has been answered, no node accepts what it revoked, and no valid token is refused, whatever happens to Redis**
//! (docs/rules.md §1). Which copy may decide is a pure function ([`protocol::Policy`]) over when things were seen; the rest of
//! the crate sees them and carries them about. The simulation in `tests/` runs all of it but the sockets, in virtual time,
//! against a database with slow commits and a Redis that loses what it can.
//!
//! How far the promise reaches: transactions that write revocations end within [`config::LONGEST_WRITE`]; every node has the
//! same `blacklist.max_staleness`; clocks of nodes and database agree within a second (the grace that a revocation outlives its
//! tokens by); Redis is one server at a time, reached without a proxy that hides reconnects, and does not evict keys. Where
//! one of the last two fails, what it costs is one `blacklist.read_interval`.

mod blacklist;
pub mod clock;
pub mod config;
pub mod copy;
pub mod moment;
pub mod protocol;
pub mod redis;
pub mod truth;
pub mod window;
pub mod wire;

mod backlog;
mod link;
mod reader;
mod shared;
mod writer;

pub use blacklist::{Blacklist, BlacklistHealth, RedisHealth, StartError};
pub use clock::Clock;
pub use config::{BlacklistConfig, Nodes};
pub use protocol::Unavailable;
pub use truth::{Batch, Truth, TruthUnavailable};
