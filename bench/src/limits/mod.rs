//! The limits that are not HTTP servers: the hash, PostgreSQL and SQLite alone, with all cores available.

pub mod group_commit;
pub mod hash_loop;
pub mod pgbench;
