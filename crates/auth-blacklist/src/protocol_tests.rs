//! Tests of the rules: every path of a check.

use super::*;
use crate::copy::ReadStart;
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, Revoked},
    user::Generation,
};
use chrono::DateTime;
use uuid::Uuid;

const POLICY: Policy = Policy {
    max_staleness: Duration::from_secs(2),
    serve_stale: Duration::ZERO,
    redis: true,
};
const ALONE: Policy = Policy {
    redis: false,
    ..POLICY
};
const LENIENT: Policy = Policy {
    serve_stale: Duration::from_secs(10),
    ..POLICY
};
const ENDED: RevocationFacts = RevocationFacts {
    token: false,
    session: true,
    least: None,
};

fn clock() -> Timestamp {
    DateTime::from_timestamp(1_000_000_000, 0).unwrap()
}

fn moment(millis: u64) -> Moment {
    Moment::from_start(Duration::from_millis(millis))
}

fn token() -> TokenRef {
    let id = Uuid::from_u128(1);
    TokenRef {
        token: TokenId::from_uuid(id),
        session: SessionId::from_uuid(id),
        user: UserId::from_uuid(id),
        generation: Generation::FIRST,
    }
}

fn read_at(millis: u64) -> LocalCopy {
    let mut copy = LocalCopy::default();
    copy.complete_read(
        ReadStart {
            at: moment(millis),
            clock: clock(),
        },
        [],
    );
    copy
}

fn with(mut copy: LocalCopy, what: Revoked) -> LocalCopy {
    copy.insert(Revocation { what, until: clock() });
    copy
}

fn reply(facts: RevocationFacts, since: Option<u64>) -> RedisReply {
    RedisReply {
        facts,
        complete_since: since.map(moment),
    }
}

fn first(policy: &Policy, copy: &LocalCopy, at: u64) -> Step {
    policy.first(copy, &token(), moment(at), clock())
}

#[test]
fn memory_decides_alone_while_it_is_fresh_and_there_is_no_redis() {
    assert_eq!(first(&ALONE, &read_at(1000), 3000), Step::Answer(Verdict::Valid));
    assert_eq!(first(&ALONE, &read_at(1000), 3001), Step::AskDatabase);
    assert_eq!(first(&ALONE, &LocalCopy::default(), 0), Step::AskDatabase);
    let ended = with(read_at(1000), Revoked::Session(token().session));
    assert_eq!(first(&ALONE, &ended, 1500), Step::Answer(Verdict::Revoked));
}

#[test]
fn with_redis_fresh_memory_is_not_enough_and_with_outdated_memory_redis_is_skipped() {
    assert_eq!(first(&POLICY, &read_at(1000), 3000), Step::AskRedis);
    assert_eq!(first(&POLICY, &read_at(1000), 3001), Step::AskDatabase);
}

#[test]
fn a_raised_generation_in_memory_decides_alone_however_old_the_memory_is() {
    let cut = with(
        read_at(0),
        Revoked::User(token().user, Generation::FIRST.raised()),
    );
    assert_eq!(
        first(&POLICY, &cut, 100_000),
        Step::Answer(Verdict::AllSessionsRevoked)
    );
}

#[test]
fn redis_decides_only_if_it_is_complete_since_before_the_last_read_began() {
    let copy = read_at(1000);
    let after = |reply| POLICY.after_redis(&copy, &token(), reply);
    assert_eq!(
        after(reply(RevocationFacts::default(), Some(999))),
        Step::Answer(Verdict::Valid)
    );
    assert_eq!(after(reply(ENDED, Some(999))), Step::Answer(Verdict::Revoked));
    assert_eq!(
        after(reply(RevocationFacts::default(), Some(1000))),
        Step::AskDatabase
    );
    assert_eq!(after(reply(RevocationFacts::default(), None)), Step::AskDatabase);
    assert_eq!(after(reply(ENDED, None)), Step::AskDatabase);
    assert_eq!(
        POLICY.after_redis(
            &LocalCopy::default(),
            &token(),
            reply(RevocationFacts::default(), Some(0))
        ),
        Step::AskDatabase
    );
}

#[test]
fn revocations_in_memory_and_in_redis_are_combined() {
    let copy = with(read_at(1000), Revoked::Token(token().token));
    assert_eq!(
        POLICY.after_redis(&copy, &token(), reply(RevocationFacts::default(), Some(1))),
        Step::Answer(Verdict::Revoked)
    );
}

#[test]
fn the_database_decides_finally_and_without_it_only_a_refusal_is_certain() {
    let copy = read_at(1000);
    let end = |policy: &Policy, copy: &LocalCopy, redis, database, at| {
        policy.after_database(copy, &token(), redis, database, moment(at), clock())
    };
    assert_eq!(
        end(
            &POLICY,
            &copy,
            RevocationFacts::default(),
            Some(RevocationFacts::default()),
            9000
        ),
        Ok(Verdict::Valid)
    );
    assert_eq!(
        end(&POLICY, &copy, RevocationFacts::default(), Some(ENDED), 9000),
        Ok(Verdict::Revoked)
    );
    assert_eq!(
        end(&POLICY, &copy, RevocationFacts::default(), None, 1000),
        Err(Unavailable)
    );
    assert_eq!(end(&POLICY, &copy, ENDED, None, 1000), Ok(Verdict::Revoked));
    let ended = with(read_at(1000), Revoked::Session(token().session));
    assert_eq!(
        end(&POLICY, &ended, RevocationFacts::default(), None, 90_000),
        Ok(Verdict::Revoked)
    );
}

#[test]
fn serve_stale_extends_the_use_of_memory_by_its_length_and_no_more() {
    let copy = read_at(1000);
    let end = |at| {
        LENIENT.after_database(
            &copy,
            &token(),
            RevocationFacts::default(),
            None,
            moment(at),
            clock(),
        )
    };
    assert_eq!(end(13_000), Ok(Verdict::Valid));
    assert_eq!(end(13_001), Err(Unavailable));
    assert_eq!(
        first(&LENIENT, &copy, 3001),
        Step::AskDatabase,
        "the database is still asked first"
    );
}

#[test]
fn a_sentinel_counts_from_when_it_was_first_seen_and_one_that_reappears_is_new() {
    let value = |text: &str| Sentinel::new(text.as_bytes().to_vec());
    let mut history = SentinelHistory::default();
    assert_eq!(history.complete_since(moment(1), &value("a")), None);
    history.observe(Some(value("a")), moment(10));
    history.observe(Some(value("a")), moment(20));
    assert_eq!(history.complete_since(moment(1), &value("a")), Some(moment(10)));
    assert_eq!(
        history.complete_since(moment(15), &value("a")),
        Some(moment(15)),
        "a connection made later counts from then"
    );
    assert_eq!(history.complete_since(moment(1), &value("b")), None);
    history.observe(Some(value("b")), moment(30));
    history.observe(Some(value("a")), moment(40));
    assert_eq!(history.complete_since(moment(1), &value("a")), Some(moment(40)));
    history.observe(None, moment(50));
    assert!(!history.is_present());
    history.observe(Some(value("a")), moment(60));
    assert_eq!(history.complete_since(moment(1), &value("a")), Some(moment(60)));
}
