//! A revocation is removed, from the database or from memory, only when every ready node refuses the token as expired (docs/rules.md §1).
//! Time is counted in seconds here. Every offset of clocks is tried that a ready node may have, with every position of the expiry within
//! the memory's slots.

use crate::report::say;
use auth_blacklist::copy::LocalCopy;
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, Revoked, TokenRef},
    time::{Span, Timestamp},
    user::Generation,
};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// How far the clock of a ready node may be off the database's clock, in seconds.
const OFFSETS: RangeInclusive<i64> = -2..=2;

/// The time by which a copy removes revocations, from the database's clock and a node's clock.
type RemovesBy = fn(database: i64, node: i64) -> i64;

fn clock(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Span::seconds(1_800_000_000 + second)
}

fn token() -> TokenRef {
    TokenRef {
        token: TokenId::from_uuid(Uuid::nil()),
        session: SessionId::from_uuid(Uuid::nil()),
        user: UserId::from_uuid(Uuid::nil()),
        generation: Generation::FIRST,
    }
}

/// Tries all moments. Returns how many there are, and the first at which the revocation was removed too early.
fn walk(removes_by: RemovesBy, too_short: Span) -> (u32, Option<String>) {
    let mut moments = 0;
    for (leeway, expiry) in [0, 5, 60]
        .into_iter()
        .flat_map(|leeway| (1..=20).map(move |at| (leeway, at)))
    {
        let what = Revoked::Session(token().session);
        let mut revocation = Revocation::new(what, clock(expiry), Span::seconds(leeway));
        revocation.until -= too_short;
        for (removes, checks) in OFFSETS.flat_map(|one| OFFSETS.map(move |other| (one, other))) {
            let mut own = LocalCopy::default();
            own.insert(revocation);
            for now in 0..=expiry + leeway + 5 {
                moments += 1;
                // The memory of the node that checks, and the database's row, which another node sweeps and this one reads.
                own.purge(clock(removes_by(now, now + checks)), usize::MAX);
                let swept = revocation.until <= clock(removes_by(now, now + removes));
                let unread = revocation.until <= clock(now);
                let passes = now + checks < expiry + leeway;
                if passes && (swept || unread || !own.facts(&token()).session) {
                    return (
                        moments,
                        Some(format!(
                            "expiry {expiry}, leeway {leeway}: at {now} a node {checks} off accepts the token, \
                             and a node {removes} off has removed its revocation"
                        )),
                    );
                }
            }
        }
    }
    (moments, None)
}

#[test]
fn a_revocation_is_kept_until_the_slowest_node_refuses_the_token_as_expired() {
    let (moments, early) = walk(i64::min, Span::zero());
    say(&format!("revocations that lapse: {moments} moments: holds"));
    assert_eq!(early, None);
    assert!(moments > 10_000);
}

#[test]
fn the_model_finds_a_sweep_by_a_clock_that_is_ahead() {
    let (_, early) = walk(|_, node| node, Span::zero());
    say(&format!("swept by the node's clock alone: {}", early.unwrap()));
}

#[test]
fn the_model_finds_a_revocation_that_lapses_with_its_token() {
    let (_, early) = walk(i64::min, Span::seconds(3));
    say(&format!("kept no longer than the leeway: {}", early.unwrap()));
}
