//! How large a run of the scenarios is: that of the documentation, and a short one that only shows that all of it works.

use crate::{rounds::Plan, server::Hashing};

/// How large a run is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// The rounds.
    pub plan: Plan,
    /// Connections of cheap requests.
    pub connections: u32,
    /// Connections of sign-ins: enough to keep the hash threads busy, few enough that none is refused.
    pub hashing: u32,
    /// Users.
    pub users: usize,
    /// How many tokens the checks of known ones go around in.
    pub known: usize,
    /// Sessions of a user, embedded.
    pub sessions: usize,
    /// Sessions of a user on PostgreSQL.
    pub sessions_postgres: usize,
    /// How many sign-outs a round may make; each needs a session.
    pub logouts: usize,
    /// How many starts.
    pub starts: u32,
    /// How costly the server's hashes are.
    pub cost: Hashing,
}

impl Size {
    /// The figures of the documentation.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            plan: Plan {
                rounds: 5,
                seconds: 3,
                warm_up: 1,
            },
            connections: 64,
            hashing: 8,
            users: 500,
            known: 256,
            sessions: 90,
            sessions_postgres: 24,
            logouts: 4_000,
            starts: 9,
            cost: Hashing::AsShipped,
        }
    }

    /// Whether all of it works; its figures mean nothing.
    #[must_use]
    pub const fn smoke() -> Self {
        Self {
            plan: Plan {
                rounds: 1,
                // On a machine that is busy with other tests, a second may pass without an answer.
                seconds: 2,
                warm_up: 0,
            },
            connections: 8,
            hashing: 2,
            users: 32,
            known: 16,
            sessions: 20,
            sessions_postgres: 20,
            logouts: 200,
            starts: 1,
            cost: Hashing::Cheap,
        }
    }
}
