//! Keeps a Redis that is gone from costing every request its timeout: after a failure it is left alone for a while, and then
//! one request tries it for all.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long Redis is left alone after it failed.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// Whether Redis may be asked.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// When it may be tried again; nothing while it works.
    retry_at: Mutex<Option<Instant>>,
}

/// The leave to ask once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Redis works.
    Usual,
    /// Redis failed; this is the one request that tries it again.
    Trial,
}

impl Breaker {
    /// The leave to ask Redis at this moment. While it is tried, nobody else gets one.
    pub(crate) fn leave(&self, now: Instant) -> Option<Leave> {
        let mut retry_at = self.retry_at.lock().unwrap_or_else(PoisonError::into_inner);
        match *retry_at {
            None => Some(Leave::Usual),
            Some(at) if now < at => None,
            Some(_) => {
                *retry_at = Some(now + PAUSE);
                Some(Leave::Trial)
            }
        }
    }

    /// Redis answered; `true` if that is news. An answer to a question from before the failure is none.
    pub(crate) fn answered(&self, leave: Leave) -> bool {
        leave == Leave::Trial
            && self
                .retry_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
                .is_some()
    }

    /// Redis failed; `true` if that is news.
    pub(crate) fn failed(&self, leave: Leave, now: Instant) -> bool {
        let mut retry_at = self.retry_at.lock().unwrap_or_else(PoisonError::into_inner);
        let news = retry_at.is_none();
        if news || leave == Leave::Trial {
            *retry_at = Some(now + PAUSE);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn after_a_failure_redis_is_left_alone_and_then_tried_by_one() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.leave(start), Some(Leave::Usual));
        assert!(breaker.failed(Leave::Usual, start));
        assert_eq!(breaker.leave(start + PAUSE - MILLISECOND), None);
        assert_eq!(breaker.leave(start + PAUSE), Some(Leave::Trial));
        assert_eq!(breaker.leave(start + PAUSE), None, "one tries for all");
        assert!(breaker.answered(Leave::Trial));
        assert_eq!(breaker.leave(start + PAUSE), Some(Leave::Usual));
    }

    #[test]
    fn a_trial_that_fails_or_is_given_up_is_followed_by_another_pause() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.failed(Leave::Usual, start);
        assert_eq!(breaker.leave(start + PAUSE), Some(Leave::Trial));
        assert!(!breaker.failed(Leave::Trial, start + 2 * PAUSE), "no news");
        assert_eq!(breaker.leave(start + 3 * PAUSE - MILLISECOND), None);
        assert_eq!(breaker.leave(start + 3 * PAUSE), Some(Leave::Trial));
        assert_eq!(
            breaker.leave(start + 4 * PAUSE),
            Some(Leave::Trial),
            "its asker went away"
        );
    }

    #[test]
    fn what_was_asked_before_the_failure_neither_ends_nor_lengthens_the_pause() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.failed(Leave::Usual, start);
        assert!(!breaker.failed(Leave::Usual, start + PAUSE / 2));
        assert!(!breaker.answered(Leave::Usual));
        assert_eq!(breaker.leave(start + PAUSE - MILLISECOND), None);
        assert_eq!(breaker.leave(start + PAUSE), Some(Leave::Trial));
    }
}
