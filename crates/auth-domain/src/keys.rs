//! The life of a signing key: `next → active → retiring → retired` (behaviour.md §6).
//!
//! A key signs only after every verifier had the time to learn it, and is published until the last token it signed has
//! expired, so that a rotation fails no verification. `rotate` plans the change as a whole; storage carries it out, guarded.

use crate::time::{Span, Timestamp, after, age};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How long a verifier may keep the key set: the `max-age` of the JWKS answer.
pub const JWKS_MAX_AGE: Span = Span::seconds(600);
/// How long a key is published before it may sign: twice what a verifier may keep.
pub const PUBLISH_BEFORE_SIGNING: Span = Span::seconds(1200);
/// How long a node may go on signing with a key after another node retired it: nodes reload every second.
pub const RELOAD_SLACK: Span = Span::seconds(10);

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, does not sign yet.
    Next,
    /// Signs.
    Active,
    /// Signs no more; what it signed still verifies.
    Retiring,
    /// Neither signs nor verifies.
    Retired,
}

impl KeyState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [Self::Next, Self::Active, Self::Retiring, Self::Retired];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// Whether a key in this state is in the published set and verifies tokens.
    #[must_use]
    pub const fn is_published(self) -> bool {
        !matches!(self, Self::Retired)
    }
}

/// The text is no key state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is next, active, retiring or retired")]
pub struct NotAKeyState;

impl FromStr for KeyState {
    type Err = NotAKeyState;

    fn from_str(text: &str) -> Result<Self, NotAKeyState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(NotAKeyState)
    }
}

/// What a plan is made from: a key's id and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStanding {
    /// The `kid`: the RFC 7638 thumbprint.
    pub kid: String,
    /// Its state.
    pub state: KeyState,
    /// When it was made and published.
    pub published_at: Timestamp,
    /// When what it signed has expired; set while it is retiring.
    pub verifies_until: Option<Timestamp>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    /// The key changes its state.
    Move {
        /// Which.
        kid: String,
        /// From; the guard of the update.
        from: KeyState,
        /// To.
        to: KeyState,
        /// The new `verifies_until`.
        verifies_until: Option<Timestamp>,
    },
    /// A new key is made, in this state.
    Create(KeyState),
}

/// A rotation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the next key is too young to sign: verifiers may not know it before {ready_at}")]
pub struct KeyTooYoung {
    /// When it may be tried again.
    pub ready_at: Timestamp,
}

/// What a server needs at its start: a key that signs and one that will.
#[must_use]
pub fn complete(keys: &[KeyStanding]) -> Vec<KeyStep> {
    [KeyState::Active, KeyState::Next]
        .into_iter()
        .filter(|wanted| !keys.iter().any(|key| key.state == *wanted))
        .map(KeyStep::Create)
        .collect()
}

/// Plans a rotation: the next key signs, the active one retires, and a new next one is published.
///
/// # Errors
/// [`KeyTooYoung`] if the next key has not been published for [`PUBLISH_BEFORE_SIGNING`].
pub fn rotate(
    keys: &[KeyStanding],
    now: Timestamp,
    access_ttl: Span,
    leeway: Span,
) -> Result<Vec<KeyStep>, KeyTooYoung> {
    let next = keys.iter().find(|key| key.state == KeyState::Next);
    let ready_at = after(next.map_or(now, |key| key.published_at), PUBLISH_BEFORE_SIGNING);
    match next {
        Some(key) if age(key.published_at, now) >= PUBLISH_BEFORE_SIGNING => {
            let until = after(now, access_ttl + leeway + RELOAD_SLACK);
            Ok(succession(keys, key, KeyState::Retiring, Some(until)))
        }
        _ => Err(KeyTooYoung { ready_at }),
    }
}

/// Plans the answer to a stolen key: the active key is dropped now, with what it signed, however young its successor is.
/// Tokens that the next key signs are unknown to a verifier that keeps an older key set, for [`JWKS_MAX_AGE`] at most.
#[must_use]
pub fn replace_compromised(keys: &[KeyStanding]) -> Vec<KeyStep> {
    match keys.iter().find(|key| key.state == KeyState::Next) {
        Some(next) => succession(keys, next, KeyState::Retired, None),
        None => {
            let mut steps = retirement(keys, KeyState::Retired, None);
            steps.extend([KeyStep::Create(KeyState::Active), KeyStep::Create(KeyState::Next)]);
            steps
        }
    }
}

/// The retiring keys whose last token has expired.
#[must_use]
pub fn retire_expired(keys: &[KeyStanding], now: Timestamp) -> Vec<KeyStep> {
    let over = |key: &&KeyStanding| {
        key.state == KeyState::Retiring && key.verifies_until.is_none_or(|until| now >= until)
    };
    let retire = |key: &KeyStanding| KeyStep::Move {
        kid: key.kid.clone(),
        from: KeyState::Retiring,
        to: KeyState::Retired,
        verifies_until: key.verifies_until,
    };
    keys.iter().filter(over).map(retire).collect()
}

fn retirement(keys: &[KeyStanding], to: KeyState, verifies_until: Option<Timestamp>) -> Vec<KeyStep> {
    let active = keys.iter().filter(|key| key.state == KeyState::Active);
    active
        .map(|key| KeyStep::Move {
            kid: key.kid.clone(),
            from: KeyState::Active,
            to,
            verifies_until,
        })
        .collect()
}

fn succession(
    keys: &[KeyStanding],
    next: &KeyStanding,
    old: KeyState,
    until: Option<Timestamp>,
) -> Vec<KeyStep> {
    let mut steps = retirement(keys, old, until);
    steps.push(KeyStep::Move {
        kid: next.kid.clone(),
        from: KeyState::Next,
        to: KeyState::Active,
        verifies_until: None,
    });
    steps.push(KeyStep::Create(KeyState::Next));
    steps
}
