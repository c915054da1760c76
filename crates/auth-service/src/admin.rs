//! What administrators and operators do and look at: accounts, figures, readiness. The verbs over storage alone are those of
//! [`Admin`](crate::Admin), and work beside a running server.

pub(crate) mod administer;
pub(crate) mod audit;
pub(crate) mod error;
pub(crate) mod maintenance;
pub(crate) mod readiness;
pub(crate) mod sessions;
pub(crate) mod stats;
pub(crate) mod users;
