//! Sequences of refreshes, repetitions, reuses, ends, raised generations and clock steps. The rule: a session has at most one token that
//! rotates, and none after a reuse or an end.

use crate::{at, born, key, policy};
use auth_domain::{
    idempotency::IdempotencyDigest,
    lineage::Rotation,
    rotation::{Decision, LineageStanding, OnConcurrent, Presented, RotationPolicy, decide},
    session::{EndReason, Session, SessionState},
    time::{Span, Timestamp},
    user::{Generation, UserStatus},
};
use proptest::prelude::*;

/// An event of a session.
#[derive(Debug, Clone)]
enum Event {
    /// A client presents the n-th issued token (counted from the newest), perhaps with an idempotency key.
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

/// A token, as the client has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    number: u32,
    expires_at: Timestamp,
}

/// The session and its user, as in a store.
struct Model {
    session: Session,
    status: UserStatus,
    generation: Generation,
    now: Timestamp,
    given: Vec<Held>,
    policy: RotationPolicy,
    reused: bool,
}

impl Model {
    fn decide(&self, held: Held, key: Option<IdempotencyDigest>) -> Decision {
        let standing = LineageStanding {
            lineage: self.session.lineage(),
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

    fn held(&self, rotation: &Rotation) -> Held {
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
                        assert_eq!(
                            self.session.state,
                            SessionState::Active,
                            "a reuse is reported once"
                        );
                        self.session.state = SessionState::Ended {
                            at: self.now,
                            why: EndReason::Reuse,
                        };
                        self.reused = true;
                    }
                    Decision::Invalid => panic!("every token in the model was given out"),
                    Decision::Expired | Decision::Revoked | Decision::AlreadyUsed => {}
                }
            }
        }
    }

    /// The tokens that would rotate at this time.
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
        let mut model = Model {
            session, status: UserStatus::Active, generation: Generation::FIRST, now: at(0), given: vec![first], policy, reused: false,
        };
        for event in &events {
            let cut_before = model.session.state != SessionState::Active || model.session.generation < model.generation;
            model.step(event);
            prop_assert!(model.live() <= 1, "at most one live rotation");
            if model.reused || cut_before || model.status == UserStatus::Disabled {
                prop_assert_eq!(model.live(), 0, "nothing lives after a reuse, an end, a cut");
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
        let standing = LineageStanding { lineage: session.lineage(), status: UserStatus::Active, generation: Generation::FIRST };
        let _ = decide(standing, &presented, at(offset), &policy());
    }
}
