//! The lifecycle of a signing key (docs/rules.md §6).

#![cfg(test)]

use auth_domain::{
    keys::{
        Algorithm::{self, ES256, EdDSA, RS256},
        KeyOf, KeyStanding, KeyState, KeyStep, KeysByAlgorithm, NotAKeyState, NotAnAlgorithm,
        PUBLISH_BEFORE_SIGNING, RELOAD_SLACK, complete, replace_compromised, retire_expired, rotate,
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
fn a_server_starts_with_an_active_key_and_a_next_key() {
    assert_eq!(
        complete(ES256, &[]),
        [
            KeyStep::Create(ES256, KeyState::Active),
            KeyStep::Create(ES256, KeyState::Next)
        ]
    );
    assert_eq!(
        complete(ES256, &[key("a", KeyState::Active, 0)]),
        [KeyStep::Create(ES256, KeyState::Next)]
    );
    assert_eq!(
        complete(
            ES256,
            &[key("a", KeyState::Active, 0), key("b", KeyState::Next, 0)]
        ),
        []
    );
}

#[test]
fn a_next_key_signs_only_after_every_verifier_could_learn_it() {
    let keys = [key("a", KeyState::Active, 0), key("b", KeyState::Next, 100)];
    let ready = 100 + PUBLISH_BEFORE_SIGNING.num_seconds();
    let refused = rotate(ES256, &keys, at(ready - 1), ACCESS, LEEWAY).unwrap_err();
    assert_eq!(refused.ready_at, at(ready));
    assert!(refused.to_string().contains("too young"));
    let until = at(ready) + ACCESS + LEEWAY + RELOAD_SLACK;
    assert_eq!(
        rotate(ES256, &keys, at(ready), ACCESS, LEEWAY).unwrap(),
        [
            moved("a", KeyState::Active, KeyState::Retiring, Some(until)),
            moved("b", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(ES256, KeyState::Next),
        ]
    );
    assert!(
        rotate(ES256, &keys[..1], at(ready), ACCESS, LEEWAY).is_err(),
        "without a next key"
    );
}

#[test]
fn a_compromised_key_is_dropped_at_once_however_young_its_successor_is() {
    let keys = [key("a", KeyState::Active, 0), key("b", KeyState::Next, 100)];
    assert_eq!(
        replace_compromised(ES256, &keys),
        [
            moved("a", KeyState::Active, KeyState::Retired, None),
            moved("b", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(ES256, KeyState::Next),
        ]
    );
    assert_eq!(
        replace_compromised(ES256, &keys[..1]),
        [
            moved("a", KeyState::Active, KeyState::Retired, None),
            KeyStep::Create(ES256, KeyState::Active),
            KeyStep::Create(ES256, KeyState::Next),
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

#[test]
fn an_algorithm_is_read_back_from_its_name() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        assert_eq!(algorithm.to_string(), algorithm.as_str());
    }
    assert_eq!("none".parse::<Algorithm>(), Err(NotAnAlgorithm));
}

fn of(algorithm: Algorithm, kid: &str, state: KeyState, published: i64) -> KeyOf {
    (algorithm, key(kid, state, published))
}

fn retired(kid: &str, from: KeyState) -> KeyStep {
    moved(kid, from, KeyState::Retired, None)
}

fn signing(keys: &KeysByAlgorithm, algorithm: Algorithm) -> Option<&str> {
    keys.signing(algorithm).map(|key| key.kid.as_str())
}

/// The second from which a key that was published at 0 may sign.
const READY: i64 = PUBLISH_BEFORE_SIGNING.num_seconds();

#[test]
fn keys_of_two_algorithms_coexist_and_one_is_rotated_while_the_other_stays() {
    let asked_for = [ES256, EdDSA];
    let none = KeysByAlgorithm::of(&asked_for, vec![]);
    assert_eq!(
        none.complete(),
        [
            KeyStep::Create(ES256, KeyState::Active),
            KeyStep::Create(ES256, KeyState::Next),
            KeyStep::Create(EdDSA, KeyState::Active),
            KeyStep::Create(EdDSA, KeyState::Next),
        ]
    );
    let keys = KeysByAlgorithm::of(
        &asked_for,
        vec![
            of(ES256, "a", KeyState::Active, 0),
            of(ES256, "b", KeyState::Next, 0),
            of(EdDSA, "x", KeyState::Active, 100),
            of(EdDSA, "y", KeyState::Next, 100),
        ],
    );
    assert_eq!(keys.complete(), []);
    assert_eq!(
        (signing(&keys, ES256), signing(&keys, EdDSA)),
        (Some("a"), Some("x"))
    );
    assert_eq!(signing(&keys, RS256), None, "nobody asked for it");

    let young = keys.rotate(at(READY - 1), ACCESS, LEEWAY).unwrap_err();
    assert_eq!(young.ready_at, at(READY), "the earliest of both");
    let until = at(READY) + ACCESS + LEEWAY + RELOAD_SLACK;
    assert_eq!(
        keys.rotate(at(READY), ACCESS, LEEWAY).unwrap(),
        [
            moved("a", KeyState::Active, KeyState::Retiring, Some(until)),
            moved("b", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(ES256, KeyState::Next),
        ]
    );
    let both = keys.rotate(at(READY + 100), ACCESS, LEEWAY).unwrap();
    assert_eq!(both.len(), 6);
    assert_eq!(
        keys.replace_compromised(),
        [
            retired("a", KeyState::Active),
            moved("b", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(ES256, KeyState::Next),
            retired("x", KeyState::Active),
            moved("y", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(EdDSA, KeyState::Next),
        ]
    );
}

#[test]
fn an_algorithm_that_is_configured_later_gets_keys_of_its_own() {
    let keys = vec![
        of(ES256, "a", KeyState::Active, 0),
        of(ES256, "b", KeyState::Next, 0),
    ];
    let keys = KeysByAlgorithm::of(&[ES256, RS256], keys);
    assert_eq!(
        keys.complete(),
        [
            KeyStep::Create(RS256, KeyState::Active),
            KeyStep::Create(RS256, KeyState::Next)
        ]
    );
    assert_eq!((signing(&keys, ES256), signing(&keys, RS256)), (Some("a"), None));
}

#[test]
fn a_changed_algorithm_signs_after_the_rotation_that_follows_the_start() {
    let before = vec![
        of(ES256, "a", KeyState::Active, 0),
        of(ES256, "b", KeyState::Next, 0),
    ];
    let changed = KeysByAlgorithm::of(&[EdDSA], before);
    assert_eq!(
        changed.complete(),
        [
            retired("b", KeyState::Next),
            KeyStep::Create(EdDSA, KeyState::Next)
        ]
    );
    let started = vec![
        of(ES256, "a", KeyState::Active, 0),
        of(ES256, "b", KeyState::Retired, 0),
        of(EdDSA, "x", KeyState::Next, 100),
    ];
    let started = KeysByAlgorithm::of(&[EdDSA], started);
    assert_eq!(started.complete(), []);
    assert_eq!(signing(&started, EdDSA), Some("a"), "the one before signs on");
    assert!(
        started.rotate(at(READY), ACCESS, LEEWAY).is_err(),
        "its next key is young"
    );
    let now = at(READY + 100);
    assert_eq!(
        started.rotate(now, ACCESS, LEEWAY).unwrap(),
        [
            moved(
                "a",
                KeyState::Active,
                KeyState::Retiring,
                Some(now + ACCESS + LEEWAY + RELOAD_SLACK)
            ),
            moved("x", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(EdDSA, KeyState::Next),
        ]
    );
    assert_eq!(
        started.replace_compromised(),
        [
            retired("a", KeyState::Active),
            moved("x", KeyState::Next, KeyState::Active, None),
            KeyStep::Create(EdDSA, KeyState::Next),
        ]
    );
}

#[test]
fn a_change_that_is_reverted_before_the_rotation_leaves_nothing_behind() {
    let keys = vec![
        of(ES256, "a", KeyState::Active, 0),
        of(EdDSA, "x", KeyState::Next, 100),
    ];
    let keys = KeysByAlgorithm::of(&[ES256], keys);
    assert_eq!(
        keys.complete(),
        [
            retired("x", KeyState::Next),
            KeyStep::Create(ES256, KeyState::Next)
        ]
    );
    let idle = vec![
        of(ES256, "a", KeyState::Active, 0),
        of(ES256, "b", KeyState::Next, 0),
        of(EdDSA, "x", KeyState::Next, 100),
    ];
    let idle = KeysByAlgorithm::of(&[ES256], idle);
    assert_eq!(idle.complete(), [retired("x", KeyState::Next)]);
}

#[test]
fn keys_that_another_node_needs_survive_a_start_and_retire_with_a_rotation() {
    let keys = vec![
        of(ES256, "a", KeyState::Active, 0),
        of(ES256, "b", KeyState::Next, 0),
        of(RS256, "r", KeyState::Active, 0),
        of(RS256, "s", KeyState::Next, 0),
    ];
    let keys = KeysByAlgorithm::of(&[ES256], keys);
    assert_eq!(keys.complete(), []);
    let until = Some(at(READY) + ACCESS + LEEWAY + RELOAD_SLACK);
    assert_eq!(
        keys.rotate(at(READY), ACCESS, LEEWAY).unwrap()[3..],
        [
            moved("r", KeyState::Active, KeyState::Retiring, until),
            retired("s", KeyState::Next),
        ]
    );
    assert_eq!(
        keys.replace_compromised()[3..],
        [retired("r", KeyState::Active), retired("s", KeyState::Next),]
    );
}
