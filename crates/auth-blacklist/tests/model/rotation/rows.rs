//! The stored rows in small numbers, and their conversion to the domain's types: the domain makes the decisions.

use super::Mutation;
use auth_domain::{
    idempotency::IdempotencyDigest,
    lineage::{Lineage, Rotation},
    rotation::{Decision, LineageStanding, Presented, RotationPolicy, decide},
    time::{Span, Timestamp},
    user::{Generation, UserStatus},
};

/// An idempotency key: 0 is none, small numbers are the honest client's, and [`FOREIGN_KEY`] is a thief's.
pub(crate) type Key = u8;

pub(crate) const FOREIGN_KEY: Key = 99;

/// A session's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) number: u8,
    pub(crate) generation: u8,
    pub(crate) rotated_at: u8,
    pub(crate) refresh_expires_at: u8,
    pub(crate) access_until: u8,
    pub(crate) key: Key,
    pub(crate) ended: bool,
}

/// A user's row, with facts that the check of the model needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct User {
    pub(crate) generation: u8,
    pub(crate) active: bool,
    /// The number of the password.
    pub(crate) hash: u8,
    /// The user's role at each generation.
    pub(crate) roles: [u8; 4],
}

impl User {
    pub(crate) fn role(&self) -> u8 {
        self.roles[usize::from(self.generation)]
    }
}

/// A refresh token and its idempotency key, presented at a node whose clock shows `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) number: u8,
    pub(crate) expires_at: u8,
    pub(crate) key: Key,
    pub(crate) now: u8,
}

pub(crate) fn clock(tick: u8) -> Timestamp {
    Timestamp::UNIX_EPOCH + Span::seconds(1_800_000_000 + i64::from(tick) * 10)
}

pub(crate) fn ticks(at: Timestamp) -> u8 {
    u8::try_from((at - clock(0)).num_seconds() / 10).unwrap()
}

fn digest(key: Key, mutation: Mutation) -> Option<IdempotencyDigest> {
    (key != 0 || mutation == Mutation::AbsentKeysEqual).then(|| IdempotencyDigest::new([key; 32]))
}

pub(crate) fn generation(number: u8) -> Generation {
    Generation::from_number(i64::from(number)).unwrap()
}

impl Row {
    /// A session that begins in this tick.
    pub(crate) fn begun(now: u8, generation: u8, policy: &RotationPolicy) -> Self {
        let first = policy.lifetimes.first_rotation(clock(now));
        Self {
            number: 0,
            generation,
            rotated_at: now,
            refresh_expires_at: ticks(first.refresh_expires_at),
            access_until: ticks(first.access_until),
            key: 0,
            ended: false,
        }
    }

    pub(crate) fn lineage(&self, mutation: Mutation) -> Lineage {
        Lineage {
            began_at: clock(0),
            generation: generation(self.generation),
            rotation: Rotation {
                number: u32::from(self.number),
                rotated_at: clock(self.rotated_at),
                refresh_expires_at: clock(self.refresh_expires_at),
                access_until: clock(self.access_until),
                key: digest(self.key, mutation),
            },
            ended: self.ended,
        }
    }

    /// The row after a decision that was made from this one.
    pub(crate) fn carried_out(&self, decision: Decision, token: &Token) -> Option<Self> {
        match decision {
            Decision::Rotate { next } => Some(Self {
                number: u8::try_from(next.number).unwrap(),
                rotated_at: ticks(next.rotated_at),
                refresh_expires_at: ticks(next.refresh_expires_at),
                access_until: ticks(next.access_until),
                key: token.key,
                ..*self
            }),
            Decision::Repeat { access_until } => Some(Self {
                access_until: ticks(access_until),
                ..*self
            }),
            _ => None,
        }
    }
}

/// The domain's decision about a token.
pub(crate) fn decision(
    row: &Row,
    user: (u8, bool),
    token: &Token,
    policy: &RotationPolicy,
    mutation: Mutation,
) -> Decision {
    let standing = LineageStanding {
        lineage: row.lineage(mutation),
        status: if user.1 {
            UserStatus::Active
        } else {
            UserStatus::Disabled
        },
        generation: generation(user.0),
    };
    let presented = Presented {
        number: u32::from(token.number),
        expires_at: clock(token.expires_at),
        key: digest(token.key, mutation),
    };
    decide(standing, &presented, clock(token.now), policy)
}
