//! The size of a run of the scenarios: the one for the documentation, and a short one for a test that everything works.

use crate::{rounds::Plan, server::Hashing};

/// The size of a run.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// The number and length of rounds.
    pub plan: Plan,
    /// Connections of cheap requests.
    pub connections: u32,
    /// Connections of sign-ins: enough to keep the hashing threads busy, and few enough that none is refused.
    pub hashing: u32,
    /// The number of users.
    pub users: usize,
    /// The number of tokens that the checks of known tokens use.
    pub known: usize,
    /// Sessions of a user, embedded.
    pub sessions: usize,
    /// Sessions of a user on PostgreSQL.
    pub sessions_postgres: usize,
    /// The most sign-outs in a round; each needs a session.
    pub logouts: usize,
    /// The number of starts.
    pub starts: u32,
    /// The cost of the server's hashes.
    pub cost: Hashing,
}

impl Size {
    /// The size for the documentation.
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

    /// A size for a test that everything works. Its figures mean nothing.
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
