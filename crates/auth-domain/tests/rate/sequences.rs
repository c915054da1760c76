//! Sequences of takes, waits and clock steps, for any limit. The rule: never more permits than promised, and never an endless wait.

use crate::{Counter, at_micros, is_granted};
use auth_domain::{
    rate::{CLOCK_SLACK, Limit, RateDecision, decide, refund},
    time::Timestamp,
};
use proptest::prelude::*;
use std::time::Duration;

fn any_limit() -> impl Strategy<Value = Limit> {
    (1_u32..2_678_400).prop_flat_map(|seconds| {
        let most = seconds.saturating_mul(1_000).min(1_000_000);
        prop_oneof![1..=most.min(20), 1..=most].prop_map(move |burst| Limit::nearest(burst, seconds))
    })
}

/// Waits as parts of an interval, so that all limits see both grants and refusals.
fn waits() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(prop_oneof![3 => Just(0.0), 2 => 0.0..3.0, 1 => 0.0..40.0], 1..120)
}

fn parts(limit: Limit, parts: f64) -> i64 {
    // Neither is large enough to be truncated.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a test's wait: some millions of intervals at the most"
    )]
    let micros = (limit.interval().as_secs_f64() * parts * 1e6) as i64;
    micros
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap()
}

/// A counter between long expired and fully used, at second 0.
fn counter_of(limit: Limit, share: f64) -> Option<Timestamp> {
    Some(at_micros(parts(limit, share * f64::from(limit.burst()))))
}

proptest! {
    #[test]
    fn never_more_than_the_burst_at_once(limit in any_limit().prop_filter("short", |limit| limit.burst() <= 2_000)) {
        prop_assert_eq!(Counter::default().take_all(at_micros(0), limit, limit.burst() + 50), limit.burst());
    }

    #[test]
    fn never_more_than_the_burst_and_the_refill(limit in any_limit(), waits in waits()) {
        let mut counter = Counter::default();
        let (mut now, mut granted) = (0, 0_i64);
        for wait in waits {
            now += parts(limit, wait);
            granted += i64::from(is_granted(counter.take(at_micros(now), limit)));
            prop_assert!(granted <= i64::from(limit.burst()) + now / micros(limit.interval()));
        }
    }

    #[test]
    fn a_clock_that_steps_back_grants_at_most_one_more_and_locks_no_caller_out(
        limit in any_limit(),
        steps in proptest::collection::vec((-60.0..40.0, 0_u32..8), 1..60),
    ) {
        let mut counter = Counter::default();
        let (mut now, mut forward, mut back, mut granted) = (0, 0, 0_i64, 0_i64);
        for (step, takes) in steps {
            let step = parts(limit, step);
            now += step;
            forward += step.max(0);
            back += i64::from(step < 0);
            granted += i64::from(counter.take_all(at_micros(now), limit, takes));
            prop_assert!(granted <= i64::from(limit.burst()) + forward / micros(limit.interval()) + back);
            if let RateDecision::Refused { retry_after, reset_after } = decide(counter.tat, at_micros(now), limit, 0) {
                prop_assert!(retry_after <= limit.interval() + CLOCK_SLACK);
                prop_assert!(reset_after <= limit.window() + CLOCK_SLACK);
            }
        }
    }

    #[test]
    fn a_refused_request_is_granted_after_the_stated_wait_and_not_before(limit in any_limit(), share in 0.0..1.0) {
        let mut counter = Counter { tat: counter_of(limit, share) };
        counter.take_all(at_micros(0), limit, 40);
        let before = counter.tat;
        if let RateDecision::Refused { retry_after, .. } = counter.take(at_micros(0), limit) {
            prop_assert_eq!(counter.tat, before, "a refusal consumes nothing");
            prop_assert!(!is_granted(decide(before, at_micros(micros(retry_after) - 1), limit, 0)));
            prop_assert!(is_granted(decide(before, at_micros(micros(retry_after)), limit, 0)));
        }
    }

    #[test]
    fn the_remaining_permits_are_granted_at_once_and_all_of_them_after_the_reset(limit in any_limit(), share in 0.0..1.0) {
        let mut counter = Counter { tat: counter_of(limit, share) };
        if let RateDecision::Granted { remaining, reset_after, .. } = counter.take(at_micros(0), limit) {
            let tries = remaining.min(500);
            prop_assert_eq!(counter.take_all(at_micros(0), limit, tries), tries);
            if remaining < 500 {
                prop_assert!(!is_granted(counter.take(at_micros(0), limit)));
            }
            prop_assert!(reset_after <= limit.window());
            let rested = Counter { tat: counter_of(limit, share) }.take(at_micros(micros(reset_after)), limit);
            prop_assert_eq!(rested, decide(None, at_micros(micros(reset_after)), limit, 0));
        }
    }

    #[test]
    fn a_refund_undoes_one_take(limit in any_limit(), share in 0.0..1.0) {
        let before = counter_of(limit, share);
        if let RateDecision::Granted { tat, .. } = decide(before, at_micros(0), limit, 0) {
            let after = refund(tat, limit);
            prop_assert_eq!(decide(Some(after), at_micros(0), limit, 0), decide(before, at_micros(0), limit, 0));
        }
    }

    #[test]
    fn the_text_of_a_limit_is_read_back_as_the_limit(limit in any_limit()) {
        prop_assert_eq!(limit.to_string().parse::<Limit>(), Ok(limit));
    }

    #[test]
    fn any_text_is_a_limit_or_refused(text in "[0-9]{0,12}/?[0-9]{0,12}[smhdx]?") {
        if let Ok(limit) = text.parse::<Limit>() {
            prop_assert!(limit.interval() >= Duration::from_millis(1));
        }
    }
}
