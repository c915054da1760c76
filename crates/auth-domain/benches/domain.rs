//! What the domain's decisions cost: they stand on every request's path and must vanish beside the database.

use auth_domain::{
    authentication::Assurance,
    email::EmailAddress,
    ids::{SessionId, UserId},
    password::PasswordPolicy,
    password_hash::PasswordHash,
    revocation::RevocationFacts,
    rotation::{LineageStanding, Presented, RotationPolicy, decide},
    session::{Origin, Session, SessionState},
    time::Span,
    user::{Generation, UserStatus},
};
use chrono::DateTime;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use uuid::Uuid;

fn session() -> Session {
    let now = DateTime::UNIX_EPOCH;
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(1)),
        user: UserId::from_uuid(Uuid::from_u128(2)),
        generation: Generation::FIRST,
        created_at: now,
        rotation: RotationPolicy::default().lifetimes.first_rotation(now),
        state: SessionState::Active,
        origin: Origin::default(),
        assurance: Assurance::by_password(now),
        authentications: 1,
    }
}

fn decisions(c: &mut Criterion) {
    let session = session();
    let policy = RotationPolicy::default();
    let presented = Presented {
        number: 0,
        expires_at: session.rotation.refresh_expires_at,
        key: None,
    };
    let now = DateTime::UNIX_EPOCH + Span::seconds(5);
    c.bench_function("rotation::decide", |b| {
        b.iter(|| {
            let standing = LineageStanding {
                lineage: black_box(&session).lineage(),
                status: UserStatus::Active,
                generation: Generation::FIRST,
            };
            decide(standing, black_box(&presented), now, &policy)
        });
    });
    let facts = RevocationFacts {
        token: false,
        session: false,
        least: Some(Generation::FIRST),
    };
    c.bench_function("RevocationFacts::verdict", |b| {
        b.iter(|| black_box(facts).verdict(black_box(Generation::FIRST)));
    });
}

fn parsers(c: &mut Criterion) {
    c.bench_function("EmailAddress::parse", |b| {
        b.iter(|| EmailAddress::parse(black_box("Ada.Lovelace@Example.com")));
    });
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
    c.bench_function("PasswordHash::parse", |b| {
        b.iter(|| PasswordHash::parse(black_box(hash)));
    });
    let policy = PasswordPolicy::default();
    c.bench_function("PasswordPolicy::accept", |b| {
        b.iter(|| {
            policy.accept(
                black_box("violet kettle 41 harbour").to_owned(),
                &["ada@example.com", "Keyward"],
            )
        });
    });
}

criterion_group!(benches, decisions, parsers);
criterion_main!(benches);
