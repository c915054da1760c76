//! The decision, row by row, for a limit of four per minute: one every fifteen seconds.

use crate::{Counter, at, at_micros, is_granted, limit};
use auth_domain::{
    rate::{RateDecision, decide, refund},
    time::Timestamp,
};
use std::time::Duration;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn granted(tat: i64, remaining: u32, reset_after: u64) -> RateDecision {
    RateDecision::Granted {
        tat: at(tat),
        remaining,
        reset_after: seconds(reset_after),
    }
}

fn refused(retry_after: u64, reset_after: u64) -> RateDecision {
    RateDecision::Refused {
        retry_after: seconds(retry_after),
        reset_after: seconds(reset_after),
    }
}

#[test]
fn the_decision_follows_from_how_far_ahead_the_counter_is() {
    let rows = [
        ("absent", None, granted(115, 3, 15)),
        ("long past", Some(-1_000), granted(115, 3, 15)),
        ("now", Some(100), granted(115, 3, 15)),
        ("one taken", Some(115), granted(130, 2, 30)),
        ("one and a bit taken", Some(120), granted(135, 1, 35)),
        ("three taken", Some(145), granted(160, 0, 60)),
        ("three and a bit taken", Some(150), refused(5, 50)),
        ("all taken", Some(160), refused(15, 60)),
        ("all taken by a clock that is ahead", Some(170), refused(25, 70)),
        (
            "set by a clock that has stepped back",
            Some(171),
            granted(160, 0, 60),
        ),
        (
            "set by one that was wrong by years",
            Some(90_000_000),
            granted(160, 0, 60),
        ),
    ];
    for (name, tat, expected) in rows {
        assert_eq!(decide(tat.map(at), at(100), limit("4/1m"), 0), expected, "{name}");
    }
}

#[test]
fn a_request_that_leaves_a_reserve_is_refused_before_the_others() {
    let rows = [
        ("absent", None, granted(115, 2, 15)),
        ("one taken", Some(115), granted(130, 1, 30)),
        ("two taken", Some(130), granted(145, 0, 45)),
        ("the reserve alone is left", Some(145), refused(15, 45)),
        ("all taken", Some(160), refused(30, 60)),
        (
            "set by a clock that has stepped back",
            Some(171),
            granted(145, 0, 45),
        ),
    ];
    for (name, tat, expected) in rows {
        let decision = decide(tat.map(at), at(100), limit("4/1m"), 1);
        assert_eq!(decision, expected, "{name}");
    }
    // A reserve as large as the limit still leaves one.
    let decision = decide(None, at(100), limit("4/1m"), 9);
    assert_eq!(decision, granted(115, 0, 15));
}

#[test]
fn a_refund_returns_one_unit_only() {
    let four = limit("4/1m");
    let mut counter = Counter::default();
    assert_eq!(counter.take_all(at(0), four, 9), 4);
    counter.tat = counter.tat.map(|tat| refund(tat, four));
    assert_eq!(counter.take_all(at(0), four, 9), 1);
}

#[test]
fn a_counter_whose_only_unit_was_refunded_counts_as_absent() {
    let four = limit("4/1m");
    let mut counter = Counter::default();
    counter.take(at(0), four);
    let back = refund(counter.tat.unwrap(), four);
    assert_eq!(back, at(0));
    assert_eq!(
        decide(Some(refund(back, four)), at(0), four, 0),
        decide(None, at(0), four, 0)
    );
}

#[test]
fn a_time_that_cannot_be_divided_evenly_is_never_too_generous() {
    let three = limit("3/1s");
    assert_eq!(three.interval(), Duration::from_micros(333_334));
    let mut counter = Counter::default();
    assert_eq!(counter.take_all(at(0), three, 9), 3);
    assert_eq!(counter.take_all(at_micros(1_000_000), three, 9), 2);
}

#[test]
fn the_ends_of_the_calendar_do_not_overflow() {
    let (first, last) = (Timestamp::MIN_UTC, Timestamp::MAX_UTC);
    for limit in [limit("1/31d"), limit("1000000/31d"), limit("1000/1s")] {
        for now in [first, last] {
            for tat in [None, Some(first), Some(last)] {
                let _decided = decide(tat, now, limit, 0);
            }
        }
        assert!(is_granted(decide(None, last, limit, 0)));
        assert!(refund(first, limit) <= refund(last, limit));
    }
}
