//! The life of a signing key (behaviour.md §6).

#![cfg(test)]

use auth_domain::{
    keys::{
        KeyStanding, KeyState, KeyStep, NotAKeyState, PUBLISH_BEFORE_SIGNING, RELOAD_SLACK, complete,
        replace_compromised, retire_expired, rotate,
    },
    time::{Span, Timestamp},
};
use chrono::DateTime;

fn at(seconds: i64) -> Timestamp {
    DateTime::UNIX_EPOCH + Span::seconds(seconds)
}

fn key(kid: &str, state: KeyState, published: i64) -> KeyStanding {
    KeyStanding {
        kid: kid.to_owned(),
        state,
        published_at: at(published),
        verifies_until: None,
    }
}

fn moved(kid: &str, from: KeyState, to: KeyState, verifies_until: Option<Timestamp>) -> KeyStep {
    KeyStep::Move {
        kid: kid.to_owned(),
        from,
        to,
        verifies_until,
    }
}

const ACCESS: Span = Span::hours(1);
const LEEWAY: Span = Span::seconds(5);

#[test]
fn a_server_starts_with_a_key_that_signs_and_one_that_will() {
    assert_eq!(
        complete(&[]),
        [KeyStep::Create(KeyState::Active), KeyStep::Create(KeyState::Next)]
    );
    assert_eq!(
        complete(&[key("a", KeyState::Active, 0)]),
        [KeyStep::Create(KeyState::Next)]
    );
    assert_eq!(
        complete(&[key("a", KeyState::Active, 0), key("b", KeyState::Next, 0)]),
        []
    );
}

#[test]
fn a_next_key_signs_only_after_every_verifier_could_learn_it() {
    let keys = [key("a", KeyState::Active, 0), key("b", KeyState::Next, 100)];
    let ready = 100 + PUBLISH_BEFORE_SIGNING.num_seconds();
    let refused = rotate(&keys, at(ready - 1), ACCESS, LEEWAY).unwrap_err();
    assert_eq!(refused.ready_at, at(ready));
    assert!(refused.to_string().contains("too young"));
    let until = at(ready) + ACCESS + LEEWAY + RELOAD_SLACK;
    assert_eq!(
        rotate(&keys, at(ready), ACCESS, LEEWAY).unwrap(),
        [
            moved("a", KeyState::Active, KeyState::Retiring, Some(until)),
            moved("b", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(KeyState::Next),
        ]
    );
    assert!(
        rotate(&keys[..1], at(ready), ACCESS, LEEWAY).is_err(),
        "without a next key"
    );
}

#[test]
fn a_stolen_key_is_dropped_now_however_young_its_successor_is() {
    let keys = [key("a", KeyState::Active, 0), key("b", KeyState::Next, 100)];
    assert_eq!(
        replace_compromised(&keys),
        [
            moved("a", KeyState::Active, KeyState::Retired, None),
            moved("b", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(KeyState::Next),
        ]
    );
    assert_eq!(
        replace_compromised(&keys[..1]),
        [
            moved("a", KeyState::Active, KeyState::Retired, None),
            KeyStep::Create(KeyState::Active),
            KeyStep::Create(KeyState::Next),
        ]
    );
}

#[test]
fn a_retiring_key_stays_until_the_last_token_it_signed_has_expired() {
    let retiring = KeyStanding {
        verifies_until: Some(at(500)),
        ..key("a", KeyState::Retiring, 0)
    };
    let keys = [retiring, key("b", KeyState::Active, 0)];
    assert_eq!(retire_expired(&keys, at(499)), []);
    let step = moved("a", KeyState::Retiring, KeyState::Retired, Some(at(500)));
    assert_eq!(retire_expired(&keys, at(500)), [step]);
}

#[test]
fn only_a_retired_key_is_not_published() {
    for state in KeyState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
        assert_eq!(state.is_published(), state != KeyState::Retired);
    }
    assert_eq!("lost".parse::<KeyState>(), Err(NotAKeyState));
}
