//! A clock that stands still until a test moves it.

use auth_domain::time::{Span, Timestamp, to_micros};
use auth_service::Clock;
use chrono::{DateTime, Utc};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// The clock that a server of the harness reads. It starts at the real time, because databases have clocks of their own.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that stands at the real time.
    #[must_use]
    pub fn starting_now() -> Self {
        Self(Arc::new(AtomicI64::new(to_micros(Utc::now()).timestamp_micros())))
    }

    /// Moves the clock, forward or back.
    pub fn advance(&self, span: Span) {
        self.0
            .fetch_add(span.num_microseconds().unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}
