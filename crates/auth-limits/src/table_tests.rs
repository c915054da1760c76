//! What the table keeps, and what it lets go.

use super::*;
use crate::claim::Claim;
use auth_domain::{
    rate::Limit,
    time::{Span, Timestamp, after},
};

const TWO_A_MINUTE: Limit = Limit::nearest(2, 60);

fn at(seconds: i64) -> Timestamp {
    after(Timestamp::UNIX_EPOCH, Span::seconds(1_800_000_000 + seconds))
}

fn claim(number: u16) -> Claim {
    let mut digest = [0; 32];
    for (byte, of_number) in digest.iter_mut().zip(number.to_be_bytes()) {
        *byte = of_number;
    }
    Claim::guess_at(digest)
}

impl Table {
    fn take(&mut self, number: u16, now: i64) -> bool {
        let claim = claim(number);
        let asked = Asked {
            claim: &claim,
            limit: TWO_A_MINUTE,
        };
        let plan = self.plan([(0, &asked)].into_iter(), at(now));
        let granted = plan.writes.len() == 1;
        self.carry_out(plan);
        assert!(self.live.len() <= self.most);
        assert_eq!(self.live.len(), self.ends.len());
        granted
    }
}

#[test]
fn others_do_not_reset_the_count_of_a_victim_however_many_they_are() {
    let mut table = Table::holding(100);
    assert!(table.take(0, 0));
    assert!(table.take(0, 0));
    for other in 1..=5_000 {
        table.take(other, 0);
        assert!(!table.take(0, 0));
    }
}

#[test]
fn those_who_find_no_room_share_one_counter_until_there_is_room() {
    let mut table = Table::holding(2);
    assert!(table.take(0, 0));
    assert!(table.take(1, 0));
    assert!(table.take(2, 0));
    assert!(table.take(3, 0));
    assert!(!table.take(4, 0), "the two of all who come too late");
    assert!(table.take(1, 0), "who has a counter is not touched");
    assert!(table.take(4, 31), "one has left");
    assert!(table.take(4, 31));
    assert!(!table.take(4, 31));
}

#[test]
fn a_counter_leaves_when_its_time_is_up_and_not_before() {
    let mut table = Table::holding(1_000);
    for number in 0..1_000 {
        table.take(number, 0);
    }
    // Every second one is put off.
    for number in (0..1_000).step_by(2) {
        table.take(number, 15);
    }
    for _ in 0..200 {
        table.take(9_999, 31);
    }
    assert_eq!(table.live.len(), 501);
    for number in (0..1_000).step_by(2) {
        assert!(!table.take(number, 0), "{number} still counts");
    }
    for _ in 0..200 {
        table.take(9_999, 61);
    }
    assert_eq!(table.live.len(), 1);
}

#[test]
fn one_call_looks_at_a_few_alone() {
    let mut table = Table::holding(1_000);
    for number in 0..1_000 {
        table.take(number, 0);
    }
    table.take(9_999, 1_000);
    assert_eq!(table.live.len(), 1_000 - BATCH + 1);
}

#[test]
fn what_is_given_back_is_given_to_whom_it_was_taken_of() {
    let mut table = Table::holding(1);
    let refund = |table: &mut Table, number| {
        let claim = claim(number);
        table.refund(&Asked {
            claim: &claim,
            limit: TWO_A_MINUTE,
        });
    };
    assert!(table.take(0, 0) && table.take(0, 0) && !table.take(0, 0));
    assert!(table.take(1, 0) && table.take(1, 0) && !table.take(1, 0));
    refund(&mut table, 1);
    assert!(!table.take(0, 0));
    assert!(table.take(2, 0) && !table.take(2, 0), "the crowd has one again");
    refund(&mut table, 0);
    assert!(!table.take(2, 0));
    assert!(table.take(0, 0) && !table.take(0, 0));
}
