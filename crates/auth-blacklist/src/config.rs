//! The section `[blacklist]` of the configuration. The defaults are the figures of docs/rules.md §1. A value that would break its
//! guarantee is refused, with the reason.

use crate::redis::PURPOSE;
use auth_domain::settings::{Complaint, Complaints, Section};
use auth_redis::KeySpace;
use serde::Deserialize;
use std::time::Duration;

/// The longest time that a writing transaction may take. Every read could miss a commit that becomes visible later than that.
pub const LONGEST_WRITE: Duration = Duration::from_secs(10);
/// Added to the wait before an answer: over that wait, the monotonic clocks of two machines drift apart by less than this.
const WAIT_MARGIN: Duration = Duration::from_millis(10);

/// `[blacklist]`. It must be **the same on every node**: a node waits `max_staleness` until the other nodes know a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlacklistConfig {
    /// How often a node reads new revocations from the database.
    #[serde(with = "humantime_serde")]
    pub read_interval: Duration,
    /// How far each read overlaps the one before, because commits become visible out of order.
    #[serde(with = "humantime_serde")]
    pub look_back: Duration,
    /// How long a node may rely on its memory, counted from the start of its last complete read.
    #[serde(with = "humantime_serde")]
    pub max_staleness: Duration,
    /// How much longer a node may rely on its memory while the database is unavailable. This trades correctness for availability. 0: not
    /// at all, the answer is 503.
    #[serde(with = "humantime_serde")]
    pub serve_stale: Duration,
    /// How long a check waits for Redis before it asks the database.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How long a check or a read waits for the database.
    #[serde(with = "humantime_serde")]
    pub database_timeout: Duration,
    /// The prefix of the keys in Redis.
    pub redis_prefix: String,
}

impl Default for BlacklistConfig {
    fn default() -> Self {
        Self {
            read_interval: Duration::from_millis(500),
            look_back: Duration::from_secs(30),
            max_staleness: Duration::from_secs(2),
            serve_stale: Duration::ZERO,
            timeout: Duration::from_millis(50),
            database_timeout: Duration::from_secs(2),
            redis_prefix: "keyward".to_owned(),
        }
    }
}

impl BlacklistConfig {
    /// The time from a commit until every node either knows the revocation or no longer relies on its memory.
    #[must_use]
    pub fn known_everywhere_within(&self) -> Duration {
        self.max_staleness.saturating_add(WAIT_MARGIN)
    }
}

impl Section for BlacklistConfig {
    const NAME: &'static str = "blacklist";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        let (millisecond, second) = (Duration::from_millis(1), Duration::from_secs(1));
        for (key, value, least, most) in [
            ("read_interval", self.read_interval, 10 * millisecond, 60 * second),
            (
                "look_back",
                self.look_back,
                LONGEST_WRITE + 2 * second,
                3600 * second,
            ),
            (
                "max_staleness",
                self.max_staleness,
                20 * millisecond,
                300 * second,
            ),
            ("serve_stale", self.serve_stale, Duration::ZERO, 86_400 * second),
            ("timeout", self.timeout, millisecond, 5 * second),
            (
                "database_timeout",
                self.database_timeout,
                10 * millisecond,
                60 * second,
            ),
        ] {
            complaints.within(key, value, least, most);
        }
        complaints.unless(
            self.max_staleness >= 2 * self.read_interval,
            "max_staleness",
            "must be at least twice blacklist.read_interval; otherwise each slow read sends every check to the database",
        );
        if let Some(complaint) = KeySpace::complaint(&self.redis_prefix, PURPOSE) {
            complaints.add("redis_prefix", complaint);
        }
        complaints.into_vec()
    }
}

/// How many processes may serve this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nodes {
    /// One, with embedded SQLite and its file lock. There is no other node to inform, and Redis is not used.
    One,
    /// Any number. A revocation is answered only when all other nodes know it.
    Many,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(toml: &str) -> Vec<&'static str> {
        toml::from_str::<BlacklistConfig>(toml)
            .unwrap()
            .validate()
            .into_iter()
            .map(|complaint| complaint.key)
            .collect()
    }

    #[test]
    fn the_defaults_are_the_documented_figures() {
        let config: BlacklistConfig = toml::from_str("").unwrap();
        assert_eq!(config, BlacklistConfig::default());
        assert_eq!(config.validate(), []);
        assert_eq!(
            toml::from_str::<BlacklistConfig>("max_staleness = \"3s\"")
                .unwrap()
                .max_staleness,
            Duration::from_secs(3)
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<BlacklistConfig>("max_stalenes = \"2s\"").is_err());
    }

    #[test]
    fn a_value_that_breaks_the_guarantee_is_refused() {
        assert_eq!(keys("look_back = \"10s\""), ["look_back"]);
        assert_eq!(keys("max_staleness = \"600ms\""), ["max_staleness"]);
        assert_eq!(keys("redis_prefix = \"a{b}\""), ["redis_prefix"]);
        assert_eq!(keys("redis_prefix = \"\""), ["redis_prefix"]);
        assert_eq!(
            keys("timeout = \"0s\"\nread_interval = \"1ms\""),
            ["read_interval", "timeout"]
        );
    }
}
