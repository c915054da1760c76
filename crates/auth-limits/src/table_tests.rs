//! Which counters the table keeps, and which it removes.

use super::*;
use crate::permit::Permit;
use auth_domain::{
    rate::Limit,
    time::{Span, Timestamp, after},
};

const TWO_A_MINUTE: Limit = Limit::nearest(2, 60);

fn at(seconds: i64) -> Timestamp {
    after(Timestamp::UNIX_EPOCH, Span::seconds(1_800_000_000 + seconds))
}

fn permit(number: u16) -> Permit {
    let mut digest = [0; 32];
    for (byte, of_number) in digest.iter_mut().zip(number.to_be_bytes()) {
        *byte = of_number;
    }
    Permit::guess_at(digest)
}

impl Table {
    fn take(&mut self, number: u16, now: i64) -> bool {
        let permit = permit(number);
        let request = PermitRequest {
            permit: &permit,
            limit: TWO_A_MINUTE,
        };
        let plan = self.plan([(0, &request)].into_iter(), at(now));
        let granted = plan.writes.len() == 1;
        self.apply(plan);
        assert!(self.counters.len() <= self.capacity);
        assert_eq!(self.counters.len(), self.expiries.len());
        granted
    }
}

#[test]
fn any_number_of_other_keys_does_not_reset_the_counter_of_a_victim() {
    let mut table = Table::with_capacity(100);
    assert!(table.take(0, 0));
    assert!(table.take(0, 0));
    for other in 1..=5_000 {
        table.take(other, 0);
        assert!(!table.take(0, 0));
    }
}

#[test]
fn new_keys_share_one_counter_while_the_table_is_full() {
    let mut table = Table::with_capacity(2);
    assert!(table.take(0, 0));
    assert!(table.take(1, 0));
    assert!(table.take(2, 0));
    assert!(table.take(3, 0));
    assert!(!table.take(4, 0), "the overflow counter has granted its two");
    assert!(
        table.take(1, 0),
        "a key with a counter of its own is not affected"
    );
    assert!(table.take(4, 31), "one counter has expired");
    assert!(table.take(4, 31));
    assert!(!table.take(4, 31));
}

#[test]
fn a_counter_is_removed_when_it_has_expired_and_not_before() {
    let mut table = Table::with_capacity(1_000);
    for number in 0..1_000 {
        table.take(number, 0);
    }
    // Every second counter's expiry moves later.
    for number in (0..1_000).step_by(2) {
        table.take(number, 15);
    }
    for _ in 0..200 {
        table.take(9_999, 31);
    }
    assert_eq!(table.counters.len(), 501);
    for number in (0..1_000).step_by(2) {
        assert!(!table.take(number, 0), "{number} still counts");
    }
    for _ in 0..200 {
        table.take(9_999, 61);
    }
    assert_eq!(table.counters.len(), 1);
}

#[test]
fn one_call_sweeps_a_few_counters_only() {
    let mut table = Table::with_capacity(1_000);
    for number in 0..1_000 {
        table.take(number, 0);
    }
    table.take(9_999, 1_000);
    assert_eq!(table.counters.len(), 1_000 - SWEEP_BATCH + 1);
}

#[test]
fn a_refund_goes_to_the_counter_that_the_permit_was_taken_from() {
    let mut table = Table::with_capacity(1);
    let refund = |table: &mut Table, number| {
        let permit = permit(number);
        table.refund(&PermitRequest {
            permit: &permit,
            limit: TWO_A_MINUTE,
        });
    };
    assert!(table.take(0, 0) && table.take(0, 0) && !table.take(0, 0));
    assert!(table.take(1, 0) && table.take(1, 0) && !table.take(1, 0));
    refund(&mut table, 1);
    assert!(!table.take(0, 0));
    assert!(
        table.take(2, 0) && !table.take(2, 0),
        "the overflow counter has one again"
    );
    refund(&mut table, 0);
    assert!(!table.take(2, 0));
    assert!(table.take(0, 0) && !table.take(0, 0));
}
