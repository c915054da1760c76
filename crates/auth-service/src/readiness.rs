//! Whether this node may be sent requests, and what its gauges show.

use crate::{config::span, service::Service};
use auth_domain::time::Timestamp;
use std::time::Duration;

/// One part's state; the text says what is wrong, without secrets.
pub type Check = Result<(), String>;

/// How far this node's clock may be off the database's (behaviour.md §1).
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// The parts that a node needs.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// The database answers.
    pub database: Check,
    /// Its schema is the one that this binary knows.
    pub migrations: Check,
    /// The copy of the revocations is fresh.
    pub blacklist: Check,
    /// The clock is within two seconds of the database's.
    pub clock: Check,
}

impl Readiness {
    /// Whether all parts are well.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.database.is_ok() && self.migrations.is_ok() && self.blacklist.is_ok() && self.clock.is_ok()
    }
}

/// Gauges.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Passwords that wait for a hashing thread.
    pub hash_queue: usize,
    /// How many may.
    pub hash_capacity: usize,
    /// Whether this process has seen that the audit log is not what it was.
    pub audit_alarm: bool,
}

impl Service {
    /// Looks at every part.
    pub async fn readiness(&self, now: Timestamp) -> Readiness {
        let (database, clock) = match self.storage().ping().await {
            Ok(database_now) => (Ok(()), clock_check(database_now, now)),
            Err(error) => (
                Err(error.to_string()),
                Err("unknown without the database".to_owned()),
            ),
        };
        let migrations = match self.storage().migration_status().await {
            Ok(all) if all.iter().all(|migration| migration.applied) => Ok(()),
            Ok(_) => Err("migrations are pending; run `keyward migrate up`".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let blacklist = if self.shared().blacklist.health().fresh {
            Ok(())
        } else {
            Err("the copy of the revocations is stale".to_owned())
        };
        Readiness {
            database,
            migrations,
            blacklist,
            clock,
        }
    }

    /// What the gauges show now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let (hash_queue, hash_capacity) = self.hasher().depth();
        Figures {
            hash_queue,
            hash_capacity,
            audit_alarm: self.audit_log().alarm().is_some(),
        }
    }
}

fn clock_check(database_now: Timestamp, now: Timestamp) -> Check {
    let off = (database_now - now).abs();
    if off <= span(CLOCK_TOLERANCE) {
        Ok(())
    } else {
        Err(format!(
            "this machine's clock is {} ms off the database's",
            off.num_milliseconds()
        ))
    }
}
