//! The limits that are no HTTP servers: the hash, PostgreSQL and SQLite by themselves, with all cores to themselves.

pub mod group_commit;
pub mod hash_loop;
pub mod pgbench;
