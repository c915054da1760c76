//! The table of docs/rules.md §3, row by row.

use crate::{at, born, key, policy};
use auth_domain::{
    idempotency::IdempotencyDigest,
    ids::SessionId,
    rotation::{Decision, LineageStanding, OnConcurrent, Presented, RefreshTokenId, RotationPolicy, decide},
    session::{EndReason, Session, SessionState},
    time::{Span, Timestamp},
    user::{Generation, UserStatus},
};
use uuid::Uuid;

/// The session after `n` refreshes at seconds 100, 200, …, each with the key `n`.
fn refreshed(n: u8) -> Session {
    let mut session = born();
    for turn in 1..=n {
        let now = at(i64::from(turn) * 100);
        let presented = present(&session, session.rotation.number, key(turn));
        match ask(&session, &presented, now) {
            Decision::Rotate { next } => session.rotation = next,
            other => panic!("refresh {turn}: {other:?}"),
        }
    }
    session
}

fn present(session: &Session, number: u32, key: Option<IdempotencyDigest>) -> Presented {
    Presented {
        number,
        expires_at: session.rotation.refresh_expires_at,
        key,
    }
}

fn ask(session: &Session, presented: &Presented, now: Timestamp) -> Decision {
    ask_under(session, presented, now, &policy())
}

fn ask_under(session: &Session, presented: &Presented, now: Timestamp, policy: &RotationPolicy) -> Decision {
    let standing = LineageStanding {
        lineage: session.lineage(),
        status: UserStatus::Active,
        generation: Generation::FIRST,
    };
    decide(standing, presented, now, policy)
}

#[test]
fn the_current_number_rotates() {
    let session = refreshed(2);
    match ask(&session, &present(&session, 2, key(9)), at(300)) {
        Decision::Rotate { next } => {
            assert_eq!((next.number, next.rotated_at, next.key), (3, at(300), key(9)));
            assert_eq!(next.refresh_expires_at, at(300) + Span::days(30));
            assert_eq!(next.access_until, at(300) + Span::hours(1));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_that_was_not_issued_is_invalid() {
    let session = refreshed(2);
    assert_eq!(
        ask(&session, &present(&session, 3, None), at(300)),
        Decision::Invalid
    );
    assert_eq!(
        ask(&session, &present(&session, u32::MAX, None), at(300)),
        Decision::Invalid
    );
}

#[test]
fn an_expired_token_or_session_is_expired_even_if_it_ended() {
    let mut session = born();
    let over = session.rotation.refresh_expires_at;
    assert_eq!(
        ask(&session, &present(&session, 0, None), over),
        Decision::Expired
    );
    let short = Presented {
        number: 0,
        expires_at: at(50),
        key: None,
    };
    assert_eq!(ask(&session, &short, at(50)), Decision::Expired);
    assert!(matches!(ask(&session, &short, at(49)), Decision::Rotate { .. }));
    session.state = SessionState::Ended {
        at: at(1),
        why: EndReason::Logout,
    };
    assert_eq!(
        ask(&session, &present(&session, 0, None), over),
        Decision::Expired
    );
}

#[test]
fn an_ended_session_a_disabled_user_and_an_older_generation_are_revoked() {
    let mut session = refreshed(1);
    let (current, old) = (present(&session, 1, None), present(&session, 0, None));
    let disabled = LineageStanding {
        lineage: session.lineage(),
        status: UserStatus::Disabled,
        generation: Generation::FIRST,
    };
    assert_eq!(decide(disabled, &current, at(101), &policy()), Decision::Revoked);
    let cut = LineageStanding {
        lineage: session.lineage(),
        status: UserStatus::Active,
        generation: Generation::FIRST.raised(),
    };
    assert_eq!(decide(cut, &current, at(101), &policy()), Decision::Revoked);
    session.state = SessionState::Ended {
        at: at(101),
        why: EndReason::Reuse,
    };
    assert_eq!(ask(&session, &current, at(102)), Decision::Revoked);
    assert_eq!(
        ask(&session, &old, at(102)),
        Decision::Revoked,
        "a reuse is reported once"
    );
}

#[test]
fn the_previous_token_with_its_key_repeats_until_the_window_closes() {
    let session = refreshed(2);
    let retry = present(&session, 1, key(2));
    let repeat = Decision::Repeat {
        access_until: at(205) + Span::hours(1),
    };
    assert_eq!(ask(&session, &retry, at(205)), repeat);
    assert!(matches!(ask(&session, &retry, at(230)), Decision::Repeat { .. }));
    assert_eq!(
        ask(&session, &retry, at(230) + Span::microseconds(1)),
        Decision::Reuse
    );
}

#[test]
fn a_key_of_another_rotation_repeats_nothing() {
    let session = refreshed(2);
    assert_eq!(
        ask(&session, &present(&session, 1, key(1)), at(205)),
        Decision::AlreadyUsed
    );
    assert_eq!(
        ask(&session, &present(&session, 1, key(1)), at(220)),
        Decision::Reuse
    );
}

#[test]
fn an_absent_key_never_equals_an_absent_key() {
    let mut session = refreshed(1);
    session.rotation.key = None;
    assert_eq!(
        ask(&session, &present(&session, 0, None), at(120)),
        Decision::Reuse
    );
}

#[test]
fn the_previous_token_is_merely_used_within_the_leeway() {
    let session = refreshed(2);
    let second_tab = present(&session, 1, None);
    assert_eq!(ask(&session, &second_tab, at(210)), Decision::AlreadyUsed);
    assert_eq!(
        ask(&session, &second_tab, at(210) + Span::microseconds(1)),
        Decision::Reuse
    );
}

#[test]
fn a_leeway_of_zero_is_off_even_in_the_same_microsecond() {
    let session = refreshed(2);
    let strict = RotationPolicy {
        reuse_leeway: Span::zero(),
        ..policy()
    };
    assert_eq!(
        ask_under(&session, &present(&session, 1, None), at(200), &strict),
        Decision::Reuse
    );
}

#[test]
fn with_repeat_on_concurrent_the_second_tab_gets_the_successor() {
    let session = refreshed(2);
    let kind = RotationPolicy {
        on_concurrent: OnConcurrent::Repeat,
        ..policy()
    };
    assert!(matches!(
        ask_under(&session, &present(&session, 1, None), at(205), &kind),
        Decision::Repeat { .. }
    ));
    assert_eq!(
        ask_under(&session, &present(&session, 1, None), at(211), &kind),
        Decision::Reuse
    );
}

#[test]
fn anything_older_is_reuse_within_any_window() {
    let session = refreshed(3);
    assert_eq!(
        ask(&session, &present(&session, 1, key(2)), at(300)),
        Decision::Reuse
    );
    assert_eq!(
        ask(&session, &present(&session, 0, None), at(300)),
        Decision::Reuse
    );
}

#[test]
fn a_clock_that_stepped_back_counts_as_no_time() {
    let session = refreshed(2);
    assert!(matches!(
        ask(&session, &present(&session, 1, key(2)), at(150)),
        Decision::Repeat { .. }
    ));
}

#[test]
fn rotation_never_extends_the_session_beyond_its_life() {
    let mut session = born();
    session.rotation.refresh_expires_at = at(0) + Span::days(365);
    let late = at(0) + Span::days(364);
    match ask(&session, &present(&session, 0, None), late) {
        Decision::Rotate { next } => assert_eq!(next.refresh_expires_at, at(0) + Span::days(365)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_that_ran_out_of_numbers_is_over() {
    let mut session = born();
    session.rotation.number = u32::MAX;
    assert_eq!(
        ask(&session, &present(&session, u32::MAX, None), at(1)),
        Decision::Expired
    );
}

#[test]
fn a_refresh_tokens_id_has_one_spelling() {
    let id = RefreshTokenId {
        session: SessionId::from_uuid(Uuid::from_u128(5)),
        number: 12,
    };
    assert_eq!(id.to_string().parse(), Ok(id));
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(serde_json::from_str::<RefreshTokenId>(&json).unwrap(), id);
    let uuid = "00000000-0000-0000-0000-000000000005";
    let wrong = [
        "",
        ".",
        uuid,
        &format!("{uuid}."),
        &format!("{uuid}.+1"),
        &format!("{uuid}.01"),
        &format!("{uuid}.4294967296"),
    ];
    for text in wrong {
        assert!(text.parse::<RefreshTokenId>().is_err(), "{text}");
    }
    assert!(serde_json::from_str::<RefreshTokenId>("\"x\"").is_err());
}
