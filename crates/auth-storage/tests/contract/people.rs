//! Users, sessions and moments to test with.

use crate::world::{World, next};
use auth_domain::{
    email::EmailAddress,
    ids::{SessionId, UserId},
    password_hash::PasswordHash,
    role::Role,
    rotation::{Presented, RotationPolicy},
    session::{Lifetimes, Origin, Session, SessionState},
    time::{Span, Timestamp},
    user::{DisplayName, Generation, User, UserStatus},
};
use auth_storage::{InsertedUser, NewUser, Page, StartedSession, Terms};
use chrono::DateTime;

/// The year 2100: after the database's clock, so that what lasts beyond it is live there.
pub(crate) fn t0() -> Timestamp {
    DateTime::from_timestamp(4_102_444_800, 0).unwrap()
}

/// Some seconds after [`t0`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    t0() + Span::seconds(seconds)
}

/// Ten bytes that no other call gets.
pub(crate) fn chance() -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&next().to_be_bytes());
    bytes
}

/// What a revocation made now has to last.
pub(crate) fn terms(now: Timestamp) -> Terms {
    Terms {
        now,
        until_at_least: now + Span::hours(1),
        grace: Span::seconds(6),
    }
}

/// The roles that administer.
pub(crate) fn admins() -> Vec<Role> {
    vec![Role::ADMIN]
}

/// A hash; each number another one.
pub(crate) fn hash(number: u8) -> PasswordHash {
    let letter = char::from(b'A' + number);
    let text = format!(
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k5kVWxGFhTqFnVsFqHnVoZBNrGoc0Zh0LpBQJ1p4{letter}1k"
    );
    PasswordHash::parse(&text).unwrap()
}

/// An address.
pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// An active user with a hash.
pub(crate) fn person(email: &str, role: Role) -> NewUser {
    NewUser {
        id: UserId::from_parts(t0(), chance()),
        email: address(email),
        name: Some(DisplayName::parse("Ada Lovelace").unwrap()),
        password_hash: Some(hash(0)),
        role,
        status: UserStatus::Active,
        email_verified_at: None,
        created_at: t0(),
    }
}

/// A session of a user that begins.
pub(crate) fn session_of(user: UserId, generation: Generation, now: Timestamp) -> Session {
    Session {
        id: SessionId::from_parts(now, chance()),
        user,
        generation,
        created_at: now,
        rotation: Lifetimes::default().first_rotation(now),
        state: SessionState::Active,
        origin: Origin::new("2001:db8::7".parse().ok(), Some("curl/8")),
    }
}

/// The refresh token of a number, as it would be presented.
pub(crate) fn token(number: u32) -> Presented {
    Presented {
        number,
        expires_at: at(86_400 * 300),
        key: None,
    }
}

/// The policy by default.
pub(crate) fn policy() -> RotationPolicy {
    RotationPolicy::default()
}

/// A first page that holds all.
pub(crate) const ALL: Page = Page {
    after: None,
    limit: 1000,
};

impl World {
    /// Inserts a user.
    pub(crate) async fn user(&self, email: &str, role: Role) -> User {
        match self.db.insert_user(person(email, role), None).await.unwrap() {
            InsertedUser::Created(user) => user,
            InsertedUser::EmailTaken => panic!("{email} is taken"),
        }
    }

    /// Signs a user in.
    pub(crate) async fn sign_in(&self, user: &User, now: Timestamp) -> Session {
        let session = session_of(user.id, user.generation, now);
        match self
            .db
            .start_session(session.clone(), 100, None, terms(now))
            .await
            .unwrap()
        {
            StartedSession::Started { .. } => session,
            StartedSession::Outdated => panic!("outdated"),
        }
    }

    /// A user with a session.
    pub(crate) async fn signed_in(&self, email: &str) -> (User, Session) {
        let user = self.user(email, Role::USER).await;
        let session = self.sign_in(&user, t0()).await;
        (user, session)
    }

    /// The session as stored.
    pub(crate) async fn stored(&self, session: &Session) -> Session {
        self.db.session(session.id).await.unwrap().unwrap().0
    }
}
