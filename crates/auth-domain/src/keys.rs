//! The life of a signing key: `next → active → retiring → retired` (docs/rules.md §6).
//!
//! A key signs only after every verifier had the time to fetch it, and it is published until the last token that it signed has
//! expired. So a rotation fails no verification. The functions here plan the keys of one algorithm; [`KeysByAlgorithm`] plans
//! those of several. Storage applies a plan by guarded updates, all of it or nothing.

mod algorithm;
mod by_algorithm;

pub use algorithm::{Algorithm, NotAnAlgorithm};
pub use by_algorithm::{KeyOf, KeysByAlgorithm};

use crate::time::{Span, Timestamp, after, age};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How long a verifier may cache the key set: the `max-age` of the JWKS answer.
pub const JWKS_MAX_AGE: Span = Span::seconds(600);
/// How long a key is published before it may sign: twice the time that a verifier may cache the set.
pub const PUBLISH_BEFORE_SIGNING: Span = Span::seconds(1200);
/// How long a node may go on signing with a key after another node retired it: nodes reload every second.
pub const RELOAD_SLACK: Span = Span::seconds(10);

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, does not sign yet.
    Next,
    /// Signs.
    Active,
    /// No longer signs; what it signed still verifies.
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

/// What a plan is made from: a key's id, state and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStanding {
    /// The `kid`: the RFC 7638 thumbprint.
    pub kid: String,
    /// Its state.
    pub state: KeyState,
    /// When it was created and published.
    pub published_at: Timestamp,
    /// When the last token that it signed expires; set while it is retiring.
    pub verifies_until: Option<Timestamp>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    /// The key changes its state.
    Move {
        /// The key.
        kid: String,
        /// The state before; the guard of the update.
        from: KeyState,
        /// The state after.
        to: KeyState,
        /// The new `verifies_until`.
        verifies_until: Option<Timestamp>,
    },
    /// A new key of this algorithm is created, in this state.
    Create(Algorithm, KeyState),
    /// A row that can't be read is retired, whatever it says.
    Drop(String),
}

/// A rotation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the next key is too young to sign: verifiers may not know it before {ready_at}")]
pub struct KeyTooYoung {
    /// When the rotation may be tried again.
    pub ready_at: Timestamp,
}

/// Plans the keys of an algorithm that a server needs at its start and that are missing: an active and a next one.
#[must_use]
pub fn complete(algorithm: Algorithm, keys: &[KeyStanding]) -> Vec<KeyStep> {
    [KeyState::Active, KeyState::Next]
        .into_iter()
        .filter(|wanted| !keys.iter().any(|key| key.state == *wanted))
        .map(|state| KeyStep::Create(algorithm, state))
        .collect()
}

/// Plans a rotation of an algorithm's keys: the next key signs, the active one retires, and a new next one is published.
///
/// # Errors
/// [`KeyTooYoung`] if the next key has not been published for [`PUBLISH_BEFORE_SIGNING`].
///
/// ```
/// use auth_domain::{
///     keys::{Algorithm, KeyStanding, KeyState, PUBLISH_BEFORE_SIGNING, rotate},
///     time::{Span, Timestamp},
/// };
///
/// let key = |kid: &str, state| KeyStanding {
///     kid: kid.to_owned(),
///     state,
///     published_at: Timestamp::UNIX_EPOCH,
///     verifies_until: None,
/// };
/// let keys = [key("a", KeyState::Active), key("b", KeyState::Next)];
/// let rotate_at = |now| rotate(Algorithm::ES256, &keys, now, Span::hours(1), Span::seconds(5));
///
/// // Verifiers may not know the next key yet.
/// let ready_at = Timestamp::UNIX_EPOCH + PUBLISH_BEFORE_SIGNING;
/// assert_eq!(rotate_at(Timestamp::UNIX_EPOCH).unwrap_err().ready_at, ready_at);
/// // Later, "a" retires, "b" signs, and a new next key is created.
/// assert_eq!(rotate_at(ready_at).map(|steps| steps.len()), Ok(3));
/// ```
pub fn rotate(
    algorithm: Algorithm,
    keys: &[KeyStanding],
    now: Timestamp,
    access_ttl: Span,
    leeway: Span,
) -> Result<Vec<KeyStep>, KeyTooYoung> {
    let next = keys.iter().find(|key| key.state == KeyState::Next);
    let ready_at = after(next.map_or(now, |key| key.published_at), PUBLISH_BEFORE_SIGNING);
    match next {
        Some(key) if age(key.published_at, now) >= PUBLISH_BEFORE_SIGNING => {
            let until = verifies_until(now, access_ttl, leeway);
            Ok(succession(algorithm, keys, key, |active| retiring(active, until)))
        }
        _ => Err(KeyTooYoung { ready_at }),
    }
}

/// Plans the replacement of a stolen key of an algorithm. The active key is retired at once, and the tokens that it signed no longer
/// verify. The next key signs, however young it is: a verifier with an older key set refuses its tokens for at most
/// [`JWKS_MAX_AGE`].
#[must_use]
pub fn replace_compromised(algorithm: Algorithm, keys: &[KeyStanding]) -> Vec<KeyStep> {
    match keys.iter().find(|key| key.state == KeyState::Next) {
        Some(next) => succession(algorithm, keys, next, retired),
        None => {
            let mut steps: Vec<KeyStep> = active(keys).map(retired).collect();
            steps.extend([KeyState::Active, KeyState::Next].map(|state| KeyStep::Create(algorithm, state)));
            steps
        }
    }
}

/// Plans the end of the retiring keys whose last token has expired.
#[must_use]
pub fn retire_expired(keys: &[KeyStanding], now: Timestamp) -> Vec<KeyStep> {
    let over = |key: &&KeyStanding| {
        key.state == KeyState::Retiring && key.verifies_until.is_none_or(|until| now >= until)
    };
    let retire = |key: &KeyStanding| moved(key, KeyState::Retired, key.verifies_until);
    keys.iter().filter(over).map(retire).collect()
}

/// The step that retires a key at once: the tokens that it signed no longer verify.
#[must_use]
pub fn retired(key: &KeyStanding) -> KeyStep {
    moved(key, KeyState::Retired, None)
}

fn retiring(key: &KeyStanding, until: Timestamp) -> KeyStep {
    moved(key, KeyState::Retiring, Some(until))
}

fn moved(key: &KeyStanding, to: KeyState, verifies_until: Option<Timestamp>) -> KeyStep {
    KeyStep::Move {
        kid: key.kid.clone(),
        from: key.state,
        to,
        verifies_until,
    }
}

/// When the last token of a key that stops signing now has expired.
fn verifies_until(now: Timestamp, access_ttl: Span, leeway: Span) -> Timestamp {
    after(now, access_ttl + leeway + RELOAD_SLACK)
}

fn active(keys: &[KeyStanding]) -> impl Iterator<Item = &KeyStanding> {
    keys.iter().filter(|key| key.state == KeyState::Active)
}

fn succession(
    algorithm: Algorithm,
    keys: &[KeyStanding],
    next: &KeyStanding,
    end: impl Fn(&KeyStanding) -> KeyStep,
) -> Vec<KeyStep> {
    let mut steps: Vec<KeyStep> = active(keys).map(end).collect();
    steps.push(moved(next, KeyState::Active, None));
    steps.push(KeyStep::Create(algorithm, KeyState::Next));
    steps
}
