//! A circuit breaker, so that an unavailable Redis does not cost every request its timeout: after a failure Redis is not asked for
//! a while, and then one request probes it for all.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long Redis is not asked after a failure.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// Decides whether a request may ask Redis. Closed while Redis works, open after a failure.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker {
    /// When Redis may be probed again; `None` while the breaker is closed.
    retry_at: Mutex<Option<Instant>>,
}

/// A request that may ask Redis once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The breaker is closed.
    Normal,
    /// The breaker is open; this one request probes Redis.
    Probe,
}

impl CircuitBreaker {
    /// Lets a request ask Redis; `None` if it must not. While one request probes Redis, no other may ask.
    pub(crate) fn admit(&self, now: Instant) -> Option<Attempt> {
        let mut retry_at = self.retry_at.lock().unwrap_or_else(PoisonError::into_inner);
        match *retry_at {
            None => Some(Attempt::Normal),
            Some(at) if now < at => None,
            Some(_) => {
                *retry_at = Some(now + PAUSE);
                Some(Attempt::Probe)
            }
        }
    }

    /// Redis answered. `true` if this closes the breaker: only the answer to a probe does, not a late one from before the failure.
    pub(crate) fn record_success(&self, attempt: Attempt) -> bool {
        attempt == Attempt::Probe
            && self
                .retry_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
                .is_some()
    }

    /// Redis failed. `true` if this opens the breaker.
    pub(crate) fn record_failure(&self, attempt: Attempt, now: Instant) -> bool {
        let mut retry_at = self.retry_at.lock().unwrap_or_else(PoisonError::into_inner);
        let opens = retry_at.is_none();
        if opens || attempt == Attempt::Probe {
            *retry_at = Some(now + PAUSE);
        }
        opens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn after_a_failure_redis_is_not_asked_for_a_while_and_then_one_request_probes_it() {
        let (breaker, start) = (CircuitBreaker::default(), Instant::now());
        assert_eq!(breaker.admit(start), Some(Attempt::Normal));
        assert!(breaker.record_failure(Attempt::Normal, start));
        assert_eq!(breaker.admit(start + PAUSE - MILLISECOND), None);
        assert_eq!(breaker.admit(start + PAUSE), Some(Attempt::Probe));
        assert_eq!(breaker.admit(start + PAUSE), None, "one request probes for all");
        assert!(breaker.record_success(Attempt::Probe));
        assert_eq!(breaker.admit(start + PAUSE), Some(Attempt::Normal));
    }

    #[test]
    fn a_probe_that_fails_or_is_abandoned_is_followed_by_another_pause() {
        let (breaker, start) = (CircuitBreaker::default(), Instant::now());
        breaker.record_failure(Attempt::Normal, start);
        assert_eq!(breaker.admit(start + PAUSE), Some(Attempt::Probe));
        assert!(
            !breaker.record_failure(Attempt::Probe, start + 2 * PAUSE),
            "the breaker was open already"
        );
        assert_eq!(breaker.admit(start + 3 * PAUSE - MILLISECOND), None);
        assert_eq!(breaker.admit(start + 3 * PAUSE), Some(Attempt::Probe));
        assert_eq!(
            breaker.admit(start + 4 * PAUSE),
            Some(Attempt::Probe),
            "the previous probe was abandoned"
        );
    }

    #[test]
    fn requests_from_before_the_failure_neither_end_nor_prolong_the_pause() {
        let (breaker, start) = (CircuitBreaker::default(), Instant::now());
        breaker.record_failure(Attempt::Normal, start);
        assert!(!breaker.record_failure(Attempt::Normal, start + PAUSE / 2));
        assert!(!breaker.record_success(Attempt::Normal));
        assert_eq!(breaker.admit(start + PAUSE - MILLISECOND), None);
        assert_eq!(breaker.admit(start + PAUSE), Some(Attempt::Probe));
    }
}
