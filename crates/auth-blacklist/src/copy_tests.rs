//! Tests of the node's copy.

use super::*;
use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

fn clock(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_000_000_000 + seconds, 0).unwrap()
}

fn moment(millis: u64) -> Moment {
    Moment::from_start(Duration::from_millis(millis))
}

fn read_start(millis: u64, seconds: i64) -> ReadStart {
    ReadStart {
        at: moment(millis),
        clock: clock(seconds),
    }
}

fn generation(number: i64) -> Generation {
    Generation::from_number(number).unwrap()
}

fn token_ref(id: u128) -> TokenRef {
    let id = Uuid::from_u128(id);
    TokenRef {
        token: TokenId::from_uuid(id),
        session: SessionId::from_uuid(id),
        user: UserId::from_uuid(id),
        generation: Generation::FIRST,
    }
}

fn revocation(kind: u8, id: u128, number: i64, until: i64) -> Revocation {
    let id = Uuid::from_u128(id);
    let what = match kind {
        0 => Revoked::Token(TokenId::from_uuid(id)),
        1 => Revoked::Session(SessionId::from_uuid(id)),
        _ => Revoked::User(UserId::from_uuid(id), generation(number)),
    };
    Revocation {
        what,
        until: clock(until),
    }
}

#[test]
fn the_copy_knows_what_was_inserted_and_nothing_else() {
    let mut copy = LocalCopy::default();
    copy.insert(revocation(0, 1, 0, 10));
    copy.insert(revocation(1, 2, 0, 10));
    copy.insert(revocation(2, 3, 7, 10));
    assert_eq!(
        copy.facts(&token_ref(1)),
        RevocationFacts {
            token: true,
            ..RevocationFacts::default()
        }
    );
    assert_eq!(
        copy.facts(&token_ref(2)),
        RevocationFacts {
            session: true,
            ..RevocationFacts::default()
        }
    );
    assert_eq!(
        copy.facts(&token_ref(3)),
        RevocationFacts {
            least: Some(generation(7)),
            ..RevocationFacts::default()
        }
    );
    assert_eq!(copy.facts(&token_ref(4)), RevocationFacts::default());
}

#[test]
fn a_lower_generation_and_an_earlier_expiry_withdraw_nothing() {
    let mut copy = LocalCopy::default();
    copy.insert(revocation(2, 1, 7, 10));
    copy.insert(revocation(2, 1, 3, 1000));
    copy.insert(revocation(2, 1, 5, 20));
    copy.purge(clock(500), 100);
    assert_eq!(copy.facts(&token_ref(1)).least, Some(generation(7)));
}

#[test]
fn lapsed_revocations_are_purged_and_the_others_stay() {
    let mut copy = LocalCopy::default();
    for id in 0..100 {
        copy.insert(revocation(0, id, 0, i64::try_from(id).unwrap()));
    }
    assert_eq!(copy.purge(clock(50), 1000), 50);
    assert_eq!(copy.len(), 50);
    assert!(copy.facts(&token_ref(50)).token);
    assert!(
        copy.purge(clock(1000), 10) <= 20,
        "a purge stops when it has removed enough"
    );
}

#[test]
fn staleness_counts_from_the_start_of_the_last_complete_read() {
    let mut copy = LocalCopy::default();
    assert_eq!(copy.staleness(moment(0), clock(0)), None);
    copy.complete_read(read_start(1000, 1), []);
    assert_eq!(
        copy.staleness(moment(1400), clock(1)),
        Some(Duration::from_millis(400))
    );
    copy.complete_read(read_start(500, 0), []);
    assert_eq!(
        copy.last_read_began(),
        Some(moment(1000)),
        "a read that began earlier but ended later changes nothing"
    );
}

#[test]
fn a_machine_that_slept_is_stale_though_its_monotonic_clock_stood_still() {
    let mut copy = LocalCopy::default();
    copy.complete_read(read_start(1000, 0), []);
    assert_eq!(
        copy.staleness(moment(1100), clock(3600)),
        Some(Duration::from_secs(3600))
    );
}

#[test]
fn a_wall_clock_that_was_set_back_is_ignored() {
    let mut copy = LocalCopy::default();
    copy.complete_read(read_start(1000, 3600), []);
    assert_eq!(
        copy.staleness(moment(1100), clock(0)),
        Some(Duration::from_millis(100))
    );
}

proptest! {
    #[test]
    fn the_order_of_inserts_makes_no_difference(
        rows in prop::collection::vec((0_u8..3, 0_u128..4, 0_i64..5, 0_i64..100), 0..40),
        seed in any::<u64>(),
        by in 0_i64..120,
    ) {
        let mut one = LocalCopy::default();
        let mut other = LocalCopy::default();
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|row| (row.1 as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ row.3 as u64));
        for (kind, id, number, until) in rows.iter().chain(&rows) {
            one.insert(revocation(*kind, *id, *number, *until));
        }
        for (kind, id, number, until) in &shuffled {
            other.insert(revocation(*kind, *id, *number, *until));
        }
        one.purge(clock(by), usize::MAX);
        other.purge(clock(by), usize::MAX);
        for id in 0..4 {
            prop_assert_eq!(one.facts(&token_ref(id)), other.facts(&token_ref(id)));
        }
    }

    #[test]
    fn a_purge_removes_no_revocation_that_has_not_lapsed(
        rows in prop::collection::vec((0_u8..3, 0_u128..6, 0_i64..5, 0_i64..100), 0..40),
        by in 0_i64..120,
    ) {
        let mut copy = LocalCopy::default();
        for (kind, id, number, until) in &rows {
            copy.insert(revocation(*kind, *id, *number, *until));
        }
        copy.purge(clock(by), usize::MAX);
        for (kind, id, number, until) in rows.iter().filter(|row| row.3 >= by) {
            let facts = copy.facts(&token_ref(*id));
            let known = match kind { 0 => facts.token, 1 => facts.session, _ => facts.least >= Some(generation(*number)) };
            prop_assert!(known, "{kind} {id} until {until} at {by}");
        }
    }
}
