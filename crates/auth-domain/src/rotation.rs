//! Decides what happens to a presented refresh token. [`decide`] is pure and total; its table is that of docs/rules.md §3 (RFC 9700
//! §4.14.2), whose first matching line decides.
//!
//! The decision is the same whatever the lineage belongs to. Storage applies it by an update that is guarded with what the decision
//! was made from. If the update touches no row, storage loads and decides again.

use crate::{
    idempotency::IdempotencyDigest,
    ids::SessionId,
    lineage::{Lifetimes, Lineage, Rotation},
    time::{Span, Timestamp, age},
    user::{Generation, UserStatus},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What the token before the current one gets within the reuse leeway: `rotation.on_concurrent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConcurrent {
    /// It is refused; the successor keeps working.
    #[default]
    Refuse,
    /// It is given the successor again.
    Repeat,
}

/// The windows in which the token before the current one is not treated as a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPolicy {
    /// With the same idempotency key, since the rotation: `rotation.retry_window`.
    pub retry_window: Span,
    /// Without it, since the rotation: `rotation.reuse_leeway`. Zero turns it off.
    pub reuse_leeway: Span,
    /// What happens in the leeway.
    pub on_concurrent: OnConcurrent,
    /// How long what is given out lives.
    pub lifetimes: Lifetimes,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        Self {
            retry_window: Span::seconds(30),
            reuse_leeway: Span::seconds(10),
            on_concurrent: OnConcurrent::Refuse,
            lifetimes: Lifetimes::default(),
        }
    }
}

/// A refresh token whose signature and type were good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// The rotation number of its `jti`.
    pub number: u32,
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// The digest of the `Idempotency-Key` it came with.
    pub key: Option<IdempotencyDigest>,
}

/// What a decision is made from, beside the token: the lineage and its user, from one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineageStanding {
    /// The lineage.
    pub lineage: Lineage,
    /// Its user's status.
    pub status: UserStatus,
    /// Its user's generation.
    pub generation: Generation,
}

/// What happens to the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The number was never given out: the token is not ours, or the database is older than the token.
    Invalid,
    /// The token or its lineage is past its time.
    Expired,
    /// The lineage ended, the user is disabled, or the generation was raised.
    Revoked,
    /// The current token: it is used up now, and `next` takes its place.
    Rotate {
        /// The lineage's rotation from now on.
        next: Rotation,
    },
    /// A retry of the refresh that made the current rotation: the same refresh token again, and a fresh access token.
    Repeat {
        /// The new [`Rotation::access_until`].
        access_until: Timestamp,
    },
    /// The token was used within the leeway: it is refused, and its successor keeps working.
    AlreadyUsed,
    /// The token was used before, and outside of the windows: a copy of it exists, and the lineage ends.
    Reuse,
}

/// Decides about the token. `now` is the clock of the node that handles the request.
///
/// ```
/// use auth_domain::{
///     lineage::Lineage,
///     rotation::{Decision, LineageStanding, Presented, RotationPolicy, decide},
///     time::{Span, Timestamp},
///     user::{Generation, UserStatus},
/// };
///
/// let (now, policy) = (Timestamp::UNIX_EPOCH, RotationPolicy::default());
/// let lineage = Lineage {
///     began_at: now,
///     generation: Generation::FIRST,
///     rotation: policy.lifetimes.first_rotation(now),
///     ended: false,
/// };
/// let standing = |lineage| LineageStanding {
///     lineage,
///     status: UserStatus::Active,
///     generation: Generation::FIRST,
/// };
/// let presented = Presented {
///     number: 0,
///     expires_at: lineage.rotation.refresh_expires_at,
///     key: None,
/// };
///
/// // The current token is exchanged for the next one.
/// let Decision::Rotate { next } = decide(standing(lineage), &presented, now, &policy) else {
///     panic!("the current token rotates");
/// };
/// assert_eq!(next.number, 1);
/// // The same token a minute later is a copy: the lineage ends.
/// let rotated = Lineage { rotation: next, ..lineage };
/// let later = now + Span::minutes(1);
/// assert_eq!(decide(standing(rotated), &presented, later, &policy), Decision::Reuse);
/// ```
#[must_use]
pub fn decide(
    standing: LineageStanding,
    presented: &Presented,
    now: Timestamp,
    policy: &RotationPolicy,
) -> Decision {
    let LineageStanding {
        lineage,
        status,
        generation,
    } = standing;
    let current = &lineage.rotation;
    if presented.number > current.number {
        return Decision::Invalid;
    }
    if now >= presented.expires_at || now >= current.refresh_expires_at {
        return Decision::Expired;
    }
    if lineage.ended || status != UserStatus::Active || lineage.generation < generation {
        return Decision::Revoked;
    }
    if presented.number == current.number {
        return rotate(&lineage, presented.key, now, policy);
    }
    if presented.number.checked_add(1) != Some(current.number) {
        return Decision::Reuse;
    }
    let since = age(current.rotated_at, now);
    let same_refresh = presented.key.is_some() && presented.key == current.key;
    let repeat = Decision::Repeat {
        access_until: repeated_access(current, now, policy),
    };
    if same_refresh && since <= policy.retry_window {
        return repeat;
    }
    if policy.reuse_leeway > Span::zero() && since <= policy.reuse_leeway {
        return match policy.on_concurrent {
            OnConcurrent::Refuse => Decision::AlreadyUsed,
            OnConcurrent::Repeat => repeat,
        };
    }
    Decision::Reuse
}

fn rotate(
    lineage: &Lineage,
    key: Option<IdempotencyDigest>,
    now: Timestamp,
    policy: &RotationPolicy,
) -> Decision {
    // The numbers of one lineage end after four billion refreshes; its user then has to sign in again.
    let Some(number) = lineage.rotation.number.checked_add(1) else {
        return Decision::Expired;
    };
    let refresh_expires_at = policy.lifetimes.refresh_expiry(lineage.began_at, now);
    let access = policy.lifetimes.access_expiry(refresh_expires_at, now);
    // Larger wins: an access token of an earlier rotation may outlive this one's where the lifetime was shortened.
    let access_until = access.max(lineage.rotation.access_until);
    Decision::Rotate {
        next: Rotation {
            number,
            rotated_at: now,
            refresh_expires_at,
            access_until,
            key,
        },
    }
}

fn repeated_access(current: &Rotation, now: Timestamp, policy: &RotationPolicy) -> Timestamp {
    policy
        .lifetimes
        .access_expiry(current.refresh_expires_at, now)
        .max(current.access_until)
}

/// A refresh token's `jti`: `<session>.<rotation number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTokenId {
    /// The session.
    pub session: SessionId,
    /// The rotation number.
    pub number: u32,
}

/// The text is no refresh token's `jti`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token's id")]
pub struct NotARefreshTokenId;

impl fmt::Display for RefreshTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.number)
    }
}

impl FromStr for RefreshTokenId {
    type Err = NotARefreshTokenId;

    /// One id has one spelling: no sign, no leading zero.
    fn from_str(text: &str) -> Result<Self, NotARefreshTokenId> {
        let (session, number) = text.split_once('.').ok_or(NotARefreshTokenId)?;
        let id = Self {
            session: session.parse().map_err(|_| NotARefreshTokenId)?,
            number: number.parse().map_err(|_| NotARefreshTokenId)?,
        };
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(NotARefreshTokenId)
        }
    }
}

impl Serialize for RefreshTokenId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RefreshTokenId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
