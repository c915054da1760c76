//! The table of behaviour.md §3, row by row, and what no sequence of events may bring about.

#![cfg(test)]

use auth_domain::{
    idempotency::IdempotencyDigest,
    ids::{SessionId, UserId},
    rotation::{Decision, OnConcurrent, Presented, RefreshTokenId, RotationPolicy, Standing, decide},
    session::{EndReason, Origin, Session, SessionState},
    time::{Span, Timestamp},
    user::{Generation, UserStatus},
};
use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn key(n: u8) -> Option<IdempotencyDigest> {
    Some(IdempotencyDigest::new([n; 32]))
}

fn policy() -> RotationPolicy {
    RotationPolicy::default()
}

/// A session born at second 0.
fn born() -> Session {
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(1)),
        user: UserId::from_uuid(Uuid::from_u128(2)),
        generation: Generation::FIRST,
        created_at: at(0),
        rotation: policy().lifetimes.first_rotation(at(0)),
        state: SessionState::Active,
        origin: Origin::default(),
    }
}

/// The session after being refreshed `n` times, at seconds 100, 200, …, with the key `n` each.
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
    let standing = Standing {
        session,
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
fn a_number_not_given_out_is_invalid() {
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
fn past_its_time_a_token_or_session_is_expired_even_if_it_ended() {
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
fn an_ended_session_a_disabled_user_and_a_cut_generation_are_revoked() {
    let mut session = refreshed(1);
    let (current, old) = (present(&session, 1, None), present(&session, 0, None));
    let disabled = Standing {
        session: &session,
        status: UserStatus::Disabled,
        generation: Generation::FIRST,
    };
    assert_eq!(decide(disabled, &current, at(101), &policy()), Decision::Revoked);
    let cut = Standing {
        session: &session,
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
        "reuse is told once"
    );
}

#[test]
fn the_one_before_with_its_key_repeats_until_the_window_closes() {
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
fn the_one_before_is_merely_used_within_the_leeway() {
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

/// What can happen to a session.
#[derive(Debug, Clone)]
enum Event {
    /// Somebody presents the n-th token that was ever given out (counted from the newest), perhaps with a key.
    Present {
        back: usize,
        key: Option<u8>,
    },
    End,
    RaiseGeneration,
    Disable,
    Clock {
        seconds: i64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0_usize..4, proptest::option::of(0_u8..3)).prop_map(|(back, key)| Event::Present { back, key }),
        1 => Just(Event::End),
        1 => Just(Event::RaiseGeneration),
        1 => Just(Event::Disable),
        4 => (-40_i64..60).prop_map(|seconds| Event::Clock { seconds }),
        1 => (0_i64..40).prop_map(|days| Event::Clock { seconds: days * 86_400 }),
    ]
}

/// A token as a client holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    number: u32,
    expires_at: Timestamp,
}

/// The session and its user as a store would keep them.
struct World {
    session: Session,
    status: UserStatus,
    generation: Generation,
    now: Timestamp,
    given: Vec<Held>,
    policy: RotationPolicy,
    reused: bool,
}

impl World {
    fn decide(&self, held: Held, key: Option<IdempotencyDigest>) -> Decision {
        let standing = Standing {
            session: &self.session,
            status: self.status,
            generation: self.generation,
        };
        let presented = Presented {
            number: held.number,
            expires_at: held.expires_at,
            key,
        };
        decide(standing, &presented, self.now, &self.policy)
    }

    fn held(&self, rotation: &auth_domain::session::Rotation) -> Held {
        Held {
            number: rotation.number,
            expires_at: rotation.refresh_expires_at,
        }
    }

    fn step(&mut self, event: &Event) {
        match event {
            Event::Clock { seconds } => self.now += Span::seconds(*seconds),
            Event::End => {
                if self.session.state == SessionState::Active {
                    self.session.state = SessionState::Ended {
                        at: self.now,
                        why: EndReason::Logout,
                    };
                }
            }
            Event::RaiseGeneration => self.generation = self.generation.raised(),
            Event::Disable => self.status = UserStatus::Disabled,
            Event::Present { back, key: chosen } => {
                let held = self.given[self.given.len().saturating_sub(1 + back)];
                let before = self.session.rotation;
                match self.decide(held, chosen.and_then(key)) {
                    Decision::Rotate { next } => {
                        assert_eq!(held.number, before.number, "only the current token rotates");
                        assert_eq!(next.number, before.number + 1);
                        assert!(next.access_until >= before.access_until);
                        assert!(
                            next.refresh_expires_at
                                <= self.session.created_at + self.policy.lifetimes.session
                        );
                        self.session.rotation = next;
                        self.given.push(self.held(&next));
                    }
                    Decision::Repeat { access_until } => {
                        assert_eq!(held.number + 1, before.number, "only the one before repeats");
                        assert!(access_until >= before.access_until);
                        self.session.rotation.access_until = access_until;
                    }
                    Decision::Reuse => {
                        assert!(held.number < before.number, "the current token is never a reuse");
                        assert_eq!(self.session.state, SessionState::Active, "reuse is told once");
                        self.session.state = SessionState::Ended {
                            at: self.now,
                            why: EndReason::Reuse,
                        };
                        self.reused = true;
                    }
                    Decision::Invalid => panic!("every token in the world was given out"),
                    Decision::Expired | Decision::Revoked | Decision::AlreadyUsed => {}
                }
            }
        }
    }

    /// The tokens that would rotate now.
    fn live(&self) -> usize {
        let mut distinct: Vec<Held> = Vec::new();
        for held in &self.given {
            if !distinct.contains(held) && matches!(self.decide(*held, None), Decision::Rotate { .. }) {
                distinct.push(*held);
            }
        }
        distinct.len()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_leaves_two_live_rotations_or_any_after_a_reuse_or_an_end(
        events in proptest::collection::vec(event(), 1..60),
        repeat in any::<bool>(),
        leeway in 0_i64..20,
    ) {
        let on_concurrent = if repeat { OnConcurrent::Repeat } else { OnConcurrent::Refuse };
        let policy = RotationPolicy { on_concurrent, reuse_leeway: Span::seconds(leeway), ..policy() };
        let session = born();
        let first = Held { number: 0, expires_at: session.rotation.refresh_expires_at };
        let mut world = World {
            session, status: UserStatus::Active, generation: Generation::FIRST, now: at(0), given: vec![first], policy, reused: false,
        };
        for event in &events {
            let cut_before = world.session.state != SessionState::Active || world.session.generation < world.generation;
            world.step(event);
            prop_assert!(world.live() <= 1, "at most one live rotation");
            if world.reused || cut_before || world.status == UserStatus::Disabled {
                prop_assert_eq!(world.live(), 0, "nothing lives after a reuse, an end, a cut");
            }
        }
    }

    #[test]
    fn the_decision_is_total(
        number in any::<u32>(), current in any::<u32>(), offset in -1_000_000_i64..1_000_000_000, expiry in any::<i32>(),
        with_key in any::<bool>(),
    ) {
        let mut session = born();
        session.rotation.number = current;
        session.rotation.key = with_key.then(|| key(1)).flatten();
        let presented = Presented { number, expires_at: at(i64::from(expiry)), key: key(1) };
        let _ = ask(&session, &presented, at(offset));
    }
}
