//! How many durable rotations a second the store makes: 64 sessions, each refreshed over and over by a task of its own.
//!
//! `cargo run --release -p auth-storage --example rotations -- sqlite://x.db [prepared|unprepared] [seconds]`

use auth_domain::{
    audit::Actor,
    authentication::Assurance,
    email::EmailAddress,
    ids::{ID_RANDOM_BYTES, SessionId, UserId},
    lineage::Lifetimes,
    role::Role,
    rotation::{Decision, Presented, RotationPolicy},
    session::{Origin, Session, SessionState},
    time::{Span, Timestamp, after, to_micros},
    user::{Generation, UserStatus},
};
use auth_storage::{AfterCommit, AuditContext, ChangeContext, CommitEffects, DatabaseConfig, Storage, users};
use std::{
    error::Error,
    io::Write,
    time::{Duration, Instant},
};

const TASKS: u8 = 64;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = arguments.first().ok_or("the address of a database")?.as_str();
    let prepared_statements = arguments.get(1).is_none_or(|how| how == "prepared");
    let seconds = arguments.get(2).map_or(Ok(5), |text| text.parse())?;
    let config = DatabaseConfig {
        url: url.into(),
        prepared_statements,
        ..DatabaseConfig::default()
    };
    let db = Storage::open(&config).await?;
    db.migrate_up().await?;
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let now = to_micros(db.ping().await?);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(refresh_until(db.clone(), task, now, until)))
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await??);
    }
    let elapsed = began.elapsed();
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 1000).copied().unwrap_or_default();
    writeln!(
        std::io::stdout(),
        "{:.0} rotations a second; each took {:?} (half), {:?} (99 of 100), {:?} (the slowest)",
        took.len() as f64 / elapsed.as_secs_f64(),
        at(500),
        at(990),
        took.last().copied().unwrap_or_default(),
    )?;
    Ok(())
}

async fn refresh_until(
    db: Storage,
    task: u8,
    now: Timestamp,
    until: Instant,
) -> Result<Vec<Duration>, Box<dyn Error + Send + Sync>> {
    let chance = [task; 10];
    let user = users::New {
        id: UserId::from_parts(now, chance),
        email: EmailAddress::parse(&format!("rotations{task}.{}@example.com", now.timestamp_micros()))?,
        name: None,
        password_hash: None,
        role: Role::USER,
        status: UserStatus::Active,
        email_verified_at: None,
        created_at: now,
    };
    let session = Session {
        id: SessionId::from_parts(now, chance),
        user: user.id,
        generation: Generation::FIRST,
        created_at: now,
        rotation: Lifetimes::default().first_rotation(now),
        state: SessionState::Active,
        origin: Origin::default(),
        assurance: Assurance::by_password(now),
        authentications: 1,
    };
    let id = session.id;
    let terms = terms(now, chance);
    let made = db.insert_user(user, Some(session), None, terms.clone()).await?;
    made.map_err(|_| "the address is taken")?.settle(&NoServer).await;
    let mut took = Vec::new();
    let mut number = 0;
    while Instant::now() < until {
        let presented = Presented {
            number,
            expires_at: after(now, Span::days(30)),
            key: None,
        };
        let asked = Instant::now();
        let rotated = db
            .rotate(id, presented, RotationPolicy::default(), false, terms.clone())
            .await?
            .settle(&NoServer)
            .await;
        took.push(asked.elapsed());
        match rotated.map(|rotated| rotated.decision) {
            Some(Decision::Rotate { next }) => number = next.number,
            other => return Err(format!("not rotated: {other:?}").into()),
        }
    }
    Ok(took)
}

/// No server runs beside this program, so no other node needs to learn of a revocation.
struct NoServer;

impl AfterCommit for NoServer {
    async fn carry_out(&self, _: &CommitEffects) {}
}

fn terms(now: Timestamp, seed: [u8; ID_RANDOM_BYTES]) -> ChangeContext {
    ChangeContext {
        now,
        until_at_least: now,
        grace: Span::seconds(6),
        by: AuditContext {
            actor: Actor::Service,
            ip: None,
            request_id: None,
            seed,
            evidence: None,
        },
    }
}
