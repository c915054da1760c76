//! The clock. It is passed in, so that a test can set it, and it is compared with the database's clock.

use auth_blacklist::Blacklist;
use auth_domain::time::{Span, Timestamp, to_micros};
use chrono::{DateTime, Utc};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// How far this node's clock may differ from the database's (docs/rules.md §1).
pub(crate) const CLOCK_TOLERANCE: Span = Span::seconds(2);

/// A clock. It is read once a request.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond. Never earlier than an earlier answer.
    fn now(&self) -> Timestamp;

    /// Now, if that is within the tolerance of the time that the database's clock may show. The clock of a test is right by
    /// definition.
    fn now_beside(&self, _database: DatabaseClock) -> Result<Timestamp, ClockOff> {
        Ok(self.now())
    }
}

/// The times that the database's clock may show now: it was read over a network some time ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseClock {
    /// The earliest time.
    pub earliest: Timestamp,
    /// The latest time.
    pub latest: Timestamp,
}

impl DatabaseClock {
    /// By how much a time differs from the database's at least; zero if it may be the same.
    fn distance(self, time: Timestamp) -> Span {
        (self.earliest - time).max(time - self.latest).max(Span::zero())
    }
}

/// This machine's clock is certainly wrong, or the database's is. Other nodes would take tokens that it dates for invalid or
/// expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this machine's clock is {} ms off the database's", .0.num_milliseconds())]
pub struct ClockOff(pub Span);

/// The machine's clock, which never runs backwards: if it is set back, its time stands still until the machine's clock has caught
/// up.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let read = Utc::now().timestamp_micros();
        let latest = self.latest.fetch_max(read, Ordering::Relaxed).max(read);
        DateTime::from_timestamp_micros(latest).unwrap_or_else(|| to_micros(Utc::now()))
    }

    /// Once the machine's clock is right, a time that had run ahead is dropped: nothing was dated by it since it was found wrong.
    fn now_beside(&self, database: DatabaseClock) -> Result<Timestamp, ClockOff> {
        let now = self.now();
        let off = database.distance(now);
        if off <= CLOCK_TOLERANCE {
            return Ok(now);
        }
        let machine = to_micros(Utc::now());
        if database.distance(machine) > CLOCK_TOLERANCE {
            return Err(ClockOff(off));
        }
        self.latest.store(machine.timestamp_micros(), Ordering::Relaxed);
        Ok(machine)
    }
}

/// The clock that requests use: this machine's. Where other nodes use the same database, it has to agree with the database's clock.
#[derive(Clone)]
pub(crate) struct CheckedClock {
    clock: Arc<dyn Clock>,
    /// The source of the database's clock; `None` if this is the only node, because then both clocks are the same one.
    database: Option<Blacklist>,
}

impl CheckedClock {
    pub(crate) fn new(clock: Arc<dyn Clock>, database: Option<Blacklist>) -> Self {
        Self { clock, database }
    }

    /// The time of a request.
    ///
    /// # Errors
    /// [`ClockOff`] while this machine's clock is known to be wrong: nothing is issued or judged by it.
    pub(crate) fn now(&self) -> Result<Timestamp, ClockOff> {
        let database = self.database.as_ref().and_then(Blacklist::database_clock);
        let Some((earliest, latest)) = database else {
            return Ok(self.clock.now());
        };
        self.clock.now_beside(DatabaseClock { earliest, latest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_runs_backwards() {
        let clock = SystemClock::default();
        let ahead = Utc::now() + chrono::TimeDelta::hours(1);
        clock.latest.store(ahead.timestamp_micros(), Ordering::Relaxed);
        assert!(clock.now() >= to_micros(ahead));
    }

    fn about(time: Timestamp, took: i64) -> DatabaseClock {
        DatabaseClock {
            earliest: time,
            latest: time + Span::seconds(took),
        }
    }

    #[test]
    fn a_clock_is_certainly_off_only_beyond_what_the_databases_may_show() {
        let noon = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (took, shows, off) in [(0, 0, 0), (0, 3, 3), (0, -3, 3), (5, 3, 0), (5, 7, 2), (5, -1, 1)] {
            let distance = about(noon, took).distance(noon + Span::seconds(shows));
            assert_eq!(distance, Span::seconds(off), "{took} {shows}");
        }
    }

    #[test]
    fn a_time_that_ran_ahead_is_refused_beside_the_databases_and_given_up_once_the_machine_is_right() {
        let clock = SystemClock::default();
        let right = to_micros(Utc::now());
        let ahead = right + Span::hours(1);
        // The machine's clock was an hour ahead, and was then set right.
        clock.latest.store(ahead.timestamp_micros(), Ordering::Relaxed);
        assert_eq!(clock.now(), ahead, "without the database it stands still");
        let elsewhere = about(right - Span::hours(5), 0);
        assert!(clock.now_beside(elsewhere).is_err(), "both are wrong");
        assert_eq!(clock.now(), ahead);
        let now = clock.now_beside(about(right, 1)).unwrap();
        assert!(now < right + Span::seconds(60), "{now}");
        assert!(clock.now() < ahead);
    }
}
