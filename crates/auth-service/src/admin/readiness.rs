//! Readiness: whether this node can serve requests. And the gauges of the metrics.

use crate::{
    parts::clock::{CLOCK_TOLERANCE, ClockOff},
    service::Service,
};
use auth_domain::time::Timestamp;

/// The state of one part. The text says what is wrong, and holds no secret.
pub type Check = Result<(), String>;

/// The parts that a node needs.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// The database answers and accepts writes.
    pub database: Check,
    /// The schema is the one that this version needs.
    pub migrations: Check,
    /// The copy of the revocations is fresh.
    pub blacklist: Check,
    /// The clock is within two seconds of the database's.
    pub clock: Check,
}

impl Readiness {
    /// Whether all parts are ready.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.database.is_ok() && self.migrations.is_ok() && self.blacklist.is_ok() && self.clock.is_ok()
    }
}

/// The present state, for metrics.
#[derive(Debug, Clone, Copy)]
pub struct Gauges {
    /// Passwords that wait for a hashing thread.
    pub hash_queue: usize,
    /// How many may wait.
    pub hash_capacity: usize,
    /// Whether this process noticed that the audit log was tampered with.
    pub audit_alarm: bool,
}

impl Service {
    /// Checks every part.
    pub async fn readiness(&self) -> Readiness {
        // If the machine's clock has been corrected, this call drops the time that had run ahead.
        let moment = self.now();
        let now = moment.as_ref().copied().unwrap_or_else(|_| self.clock().now());
        let blacklist = if self.state().blacklist.health().fresh {
            Ok(())
        } else {
            Err("the copy of the revocations is stale".to_owned())
        };
        let database_now = match self.storage().ping().await {
            Ok(database_now) => database_now,
            Err(error) => {
                let unknown = || Err("unknown without the database".to_owned());
                return Readiness {
                    database: Err(error.to_string()),
                    migrations: unknown(),
                    blacklist,
                    clock: unknown(),
                };
            }
        };
        let migrations = match self.storage().schema().await {
            Ok(schema) if schema.refused_for().is_some() => {
                Err("the schema is newer than this version can serve".to_owned())
            }
            Ok(schema) if schema.missing().next().is_none() => Ok(()),
            Ok(_) => Err("migrations are pending; run `keyward migrate up`".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let database = self
            .storage()
            .takes_writes()
            .await
            .map_err(|error| error.to_string());
        let clock = moment
            .map_err(|error| error.to_string())
            .and_then(|_| clock_check(database_now, now));
        Readiness {
            database,
            migrations,
            blacklist,
            clock,
        }
    }

    /// The gauges now.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let (hash_queue, hash_capacity) = self.hasher().depth();
        Gauges {
            hash_queue,
            hash_capacity,
            audit_alarm: self.audit_log().alarm().is_some(),
        }
    }
}

fn clock_check(database_now: Timestamp, now: Timestamp) -> Check {
    let off = (database_now - now).abs();
    if off <= CLOCK_TOLERANCE {
        Ok(())
    } else {
        Err(ClockOff(off).to_string())
    }
}
