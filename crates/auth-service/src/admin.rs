//! What administrators and operators do and read: users, sessions, statistics, readiness. The operations that need nothing but
//! storage are methods of [`Admin`](crate::Admin), and work beside a running server.

pub(crate) mod audit;
pub(crate) mod error;
pub(crate) mod keys;
pub(crate) mod maintenance;
pub(crate) mod readiness;
pub(crate) mod sessions;
pub(crate) mod stats;
pub(crate) mod users;
