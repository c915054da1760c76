//! The decision on a presented refresh token: the table of docs/rules.md §3 row by row, and the properties of every sequence of events.

#![cfg(test)]

mod sequences;
mod table;

use auth_domain::{
    authentication::Assurance,
    idempotency::IdempotencyDigest,
    ids::{SessionId, UserId},
    rotation::RotationPolicy,
    session::{Origin, Session, SessionState},
    time::Timestamp,
    user::Generation,
};
use chrono::DateTime;
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

/// A session that started at second 0.
fn born() -> Session {
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(1)),
        user: UserId::from_uuid(Uuid::from_u128(2)),
        generation: Generation::FIRST,
        created_at: at(0),
        rotation: policy().lifetimes.first_rotation(at(0)),
        state: SessionState::Active,
        origin: Origin::default(),
        assurance: Assurance::by_password(at(0)),
        authentications: 1,
    }
}
