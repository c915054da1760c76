//! Builders of users, sessions, tokens and times for the tests.

use crate::fixture::{Fixture, next};
use crate::settled::Settle as _;
use auth_domain::{
    address_link::LinkProof,
    api_key::{ApiKey, KeyName},
    audit::{Action, Actor, AuditEvent},
    authentication::Assurance,
    email::EmailAddress,
    ids::{ApiKeyId, MailId, OneTimeTokenId, SessionId, UserId},
    lineage::Lifetimes,
    one_time::TokenKind,
    password_hash::PasswordHash,
    role::{Permission, Role},
    rotation::{Presented, RotationPolicy},
    session::{Origin, Session, SessionState},
    time::{Span, Timestamp},
    user::{DisplayName, Generation, User, UserStatus},
};
use auth_storage::{
    AuditContext, ChangeContext, Evidence, Pagination, SessionEvidence, api_keys, audit, one_time_tokens,
    sessions::SignIn, users,
};
use chrono::DateTime;
use diesel::{
    QueryableByName,
    sql_types::{Nullable, Text},
};

/// The year 2100. It is after the database's clock, so a session or token that starts then has not expired there.
pub(crate) fn t0() -> Timestamp {
    DateTime::from_timestamp(4_102_444_800, 0).unwrap()
}

/// Some seconds after [`t0`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    t0() + Span::seconds(seconds)
}

/// Ten bytes, unique for each call.
pub(crate) fn unique_bytes() -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&next().to_be_bytes());
    bytes
}

/// The context of a change by an anonymous caller with an IP address and a request id.
pub(crate) fn anonymous(now: Timestamp) -> ChangeContext {
    by(Actor::Anonymous, now)
}

/// The context of a change by this actor.
pub(crate) fn by(actor: Actor, now: Timestamp) -> ChangeContext {
    // A change counts up its last two bytes.
    let mut seed = [0; 10];
    seed[2..8].copy_from_slice(&next().to_be_bytes()[2..]);
    ChangeContext {
        now,
        until_at_least: now + Span::hours(1),
        grace: Span::seconds(6),
        by: AuditContext {
            actor,
            ip: "192.0.2.7".parse().ok(),
            request_id: Some("request-7".to_owned()),
            seed,
            evidence: None,
        },
    }
}

/// The context of a change by a user in a session.
pub(crate) fn in_session(user: &User, session: &Session, now: Timestamp) -> ChangeContext {
    let mut context = by(Actor::User(user.id), now);
    context.by.evidence = Some(Evidence::Session(SessionEvidence {
        session: session.id,
        generation: session.generation,
        reauthenticated: false,
    }));
    context
}

/// A sign-in from a known device, with at most a hundred sessions.
pub(crate) fn known(session: Session) -> SignIn {
    SignIn {
        session,
        max_per_user: 100,
        upgrade: None,
        known_device: true,
        first: false,
    }
}

/// A one-time token of a kind with this digest, requested at this time.
pub(crate) fn one_time(kind: TokenKind, digest: u8, now: Timestamp) -> one_time_tokens::New {
    one_time_tokens::New {
        id: OneTimeTokenId::from_parts(now, unique_bytes()),
        kind,
        digest: [digest; 32],
        created_at: now,
        expires_at: now + kind.lifetime(),
        email: None,
        pending: None,
    }
}

/// A token with the mail that carries it.
pub(crate) fn mailed(token: one_time_tokens::New) -> one_time_tokens::Mailed {
    one_time_tokens::Mailed {
        mail: MailId::from_parts(token.created_at, unique_bytes()),
        token,
    }
}

/// An API key of a user with this digest.
pub(crate) fn api_key(owner: UserId, digest: u8, now: Timestamp) -> api_keys::New {
    api_keys::New {
        key: ApiKey {
            id: ApiKeyId::from_parts(now, unique_bytes()),
            owner,
            name: KeyName::parse("backup").unwrap(),
            permissions: vec![Permission::UsersRead, Permission::StatsRead],
            created_at: now,
            expires_at: None,
            last_used_at: None,
        },
        digest: [digest; 32],
    }
}

/// The administrators' roles.
pub(crate) fn admins() -> Vec<Role> {
    vec![Role::ADMIN]
}

/// A password hash, different for each number.
pub(crate) fn hash(number: u8) -> PasswordHash {
    let letter = char::from(b'A' + number);
    let text = format!(
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k5kVWxGFhTqFnVsFqHnVoZBNrGoc0Zh0LpBQJ1p4{letter}1k"
    );
    PasswordHash::parse(&text).unwrap()
}

/// The proof of a link together with the password of a [`new_user`].
pub(crate) fn typed() -> LinkProof<PasswordHash> {
    LinkProof::Password(hash(0))
}

/// An email address.
pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// An active user with a password hash.
pub(crate) fn new_user(email: &str, role: Role) -> users::New {
    users::New {
        id: UserId::from_parts(t0(), unique_bytes()),
        email: address(email),
        name: Some(DisplayName::parse("Ada Lovelace").unwrap()),
        password_hash: Some(hash(0)),
        role,
        status: UserStatus::Active,
        email_verified_at: None,
        created_at: t0(),
    }
}

/// A new session of a user.
pub(crate) fn session_of(user: UserId, generation: Generation, now: Timestamp) -> Session {
    Session {
        id: SessionId::from_parts(now, unique_bytes()),
        user,
        generation,
        created_at: now,
        rotation: Lifetimes::default().first_rotation(now),
        state: SessionState::Active,
        origin: Origin::new("2001:db8::7".parse().ok(), Some("curl/8")),
        assurance: Assurance::by_password(now),
        authentications: 1,
    }
}

/// The refresh token of a number, as a client presents it.
pub(crate) fn token(number: u32) -> Presented {
    Presented {
        number,
        expires_at: at(86_400 * 300),
        key: None,
    }
}

/// The default policy.
pub(crate) fn policy() -> RotationPolicy {
    RotationPolicy::default()
}

/// A page large enough for every row.
pub(crate) const ALL: Pagination = Pagination {
    after: None,
    limit: 1000,
};

/// A row of the outbox.
#[derive(QueryableByName, Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    /// The user.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) who: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) recipient: Option<String>,
    #[diesel(sql_type = Text)]
    pub(crate) facts: String,
}

impl Fixture {
    /// All audit events, the oldest first.
    pub(crate) async fn noted(&self) -> Vec<AuditEvent> {
        let mut events = self.db.audit(audit::Filter::default(), ALL).await.unwrap();
        events.reverse();
        events
    }

    /// The number of audit events of an action.
    pub(crate) async fn times(&self, action: Action) -> usize {
        let noted = self.noted().await;
        noted.into_iter().filter(|event| event.action == action).count()
    }

    /// All mails, in the order in which they were queued.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.rows("SELECT kind, CAST(user_id AS TEXT) AS who, recipient, facts FROM outbox ORDER BY id")
    }

    /// The kinds of all mails, in the order in which they were queued.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.mails().into_iter().map(|mail| mail.kind).collect()
    }

    /// Inserts a user.
    pub(crate) async fn user(&self, email: &str, role: Role) -> User {
        let new = new_user(email, role);
        let made = self
            .db
            .insert_user(new, None, None, anonymous(t0()))
            .await
            .unwrap();
        made.settled().await.unwrap()
    }

    /// Signs a user in.
    pub(crate) async fn sign_in(&self, user: &User, now: Timestamp) -> Session {
        let session = session_of(user.id, user.generation, now);
        let begun = self
            .db
            .start_session(known(session.clone()), anonymous(now))
            .await
            .unwrap();
        begun.settled().await.unwrap();
        session
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
