//! Rows to domain values and back, in this one place. A row that fits no state is refused, by table, column and key.

mod activity;
mod audit;
mod mail;
mod tokens;

pub(crate) use activity::{ActivityRow, NewActivityRow};
pub(crate) use audit::{AuditRow, NewAuditRow, SealRow};
pub(crate) use mail::{MailRow, NewMailRow, TroubledRow};
pub(crate) use tokens::{ApiKeyRow, NewApiKeyRow, NewTokenRow, TokenRow, name_columns};

use crate::{
    asks::NewUser,
    fault::Fault,
    outcomes::{Credentials, StoredKey},
    schema::{clients, revocations, sessions, signing_keys, users},
    sqlty::{Id, Ts},
};
use auth_domain::{
    authentication::Assurance,
    client::Client,
    email::EmailAddress,
    idempotency::IdempotencyDigest,
    ids::{SessionId, TokenId, UserId},
    keys::KeyStanding,
    lineage::Rotation,
    password_hash::PasswordHash,
    revocation::{Revocation, Revoked},
    session::{EndReason, Origin, Session, SessionState},
    time::Timestamp,
    user::{DisplayName, Generation, User, UserStatus},
};
use diesel::prelude::*;
use std::fmt::Display;

pub(crate) fn corrupt(table: &'static str, column: &'static str, id: impl Display) -> Fault {
    Fault::Corrupt {
        table,
        column,
        id: id.to_string(),
    }
}

/// A user without the hash of its password.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    pub(crate) id: Id,
    email: String,
    name: Option<String>,
    role: String,
    status: String,
    email_verified_at: Option<Ts>,
    created_at: Ts,
    last_login_at: Option<Ts>,
    token_generation: i64,
}

impl UserRow {
    pub(crate) fn user(self) -> Result<User, Fault> {
        let bad = |column| corrupt("users", column, self.id.0);
        Ok(User {
            id: UserId::from_uuid(self.id.0),
            email: EmailAddress::parse(&self.email).map_err(|_| bad("email"))?,
            name: self
                .name
                .as_deref()
                .map(DisplayName::stored)
                .transpose()
                .map_err(|_| bad("name"))?,
            role: self.role.parse().map_err(|_| bad("role"))?,
            status: UserStatus::stored(&self.status).ok_or_else(|| bad("status"))?,
            email_verified_at: self.email_verified_at.map(|at| at.0),
            created_at: self.created_at.0,
            last_login_at: self.last_login_at.map(|at| at.0),
            generation: Generation::from_number(self.token_generation)
                .ok_or_else(|| bad("token_generation"))?,
        })
    }
}

/// What a sign-in needs of a user.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct CredentialsRow {
    #[diesel(embed)]
    user: UserRow,
    password_hash: Option<String>,
    devices_from: Option<Ts>,
    password_changed_at: Option<Ts>,
}

impl CredentialsRow {
    pub(crate) fn credentials(self) -> Result<Credentials, Fault> {
        let id = self.user.id.0;
        let parsed = self.password_hash.as_deref().map(PasswordHash::parse).transpose();
        let password_hash = parsed.map_err(|_| corrupt("users", "password_hash", id))?;
        Ok(Credentials {
            user: self.user.user()?,
            password_hash,
            devices_from: self.devices_from.map(|at| at.0),
            password_changed_at: self.password_changed_at.map(|at| at.0),
        })
    }
}

/// What a cut writes to a user's row; `None` leaves a column as it is.
#[derive(AsChangeset, Default)]
#[diesel(table_name = users)]
pub(crate) struct CutRow<'a> {
    pub(crate) token_generation: Option<i64>,
    pub(crate) password_hash: Option<Option<&'a str>>,
    pub(crate) password_changed_at: Option<Ts>,
    pub(crate) devices_from: Option<Ts>,
}

/// A user to be inserted.
#[derive(Insertable)]
#[diesel(table_name = users)]
pub(crate) struct NewUserRow<'a> {
    id: Id,
    email: &'a str,
    email_key: &'a str,
    name: Option<&'a str>,
    name_key: Option<String>,
    password_hash: Option<&'a str>,
    role: &'a str,
    status: &'a str,
    email_verified_at: Option<Ts>,
    created_at: Ts,
    updated_at: Ts,
    last_login_at: Option<Ts>,
    token_generation: i64,
}

impl<'a> NewUserRow<'a> {
    pub(crate) fn new(user: &'a NewUser, key: &'a str, last_login_at: Option<Ts>) -> Self {
        Self {
            id: Id(user.id.as_uuid()),
            email: user.email.as_str(),
            email_key: key,
            name: user.name.as_ref().map(DisplayName::as_str),
            name_key: user.name.as_ref().map(name_key),
            password_hash: user.password_hash.as_ref().map(PasswordHash::expose),
            role: user.role.as_str(),
            status: user.status.as_str(),
            email_verified_at: user.email_verified_at.map(Ts),
            created_at: Ts(user.created_at),
            updated_at: Ts(user.created_at),
            last_login_at,
            token_generation: Generation::FIRST.number(),
        }
    }
}

/// What a name is searched by.
pub(crate) fn name_key(name: &DisplayName) -> String {
    name.as_str().to_lowercase()
}

/// A session.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    pub(crate) id: Id,
    user_id: Id,
    generation: i64,
    created_at: Ts,
    rotation: i64,
    rotated_at: Ts,
    refresh_expires_at: Ts,
    access_until: Ts,
    idempotency_digest: Option<Vec<u8>>,
    ended_at: Option<Ts>,
    end_reason: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    authenticated_at: Option<Ts>,
    authentications: i64,
    amr: String,
}

impl SessionRow {
    pub(crate) fn of(session: &Session) -> Self {
        let (ended_at, end_reason) = match session.state {
            SessionState::Active => (None, None),
            SessionState::Ended { at, why } => (Some(Ts(at)), Some(why.as_str().to_owned())),
        };
        Self {
            id: Id(session.id.as_uuid()),
            user_id: Id(session.user.as_uuid()),
            generation: session.generation.number(),
            created_at: Ts(session.created_at),
            rotation: i64::from(session.rotation.number),
            rotated_at: Ts(session.rotation.rotated_at),
            refresh_expires_at: Ts(session.rotation.refresh_expires_at),
            access_until: Ts(session.rotation.access_until),
            idempotency_digest: session.rotation.key.map(|key| key.as_bytes().to_vec()),
            ended_at,
            end_reason,
            ip: session.origin.ip.map(|ip| ip.to_string()),
            user_agent: session.origin.user_agent.clone(),
            authenticated_at: Some(Ts(session.assurance.authenticated_at)),
            authentications: i64::from(session.authentications),
            amr: session.assurance.amr.to_string(),
        }
    }

    pub(crate) fn session(self) -> Result<Session, Fault> {
        let bad = |column| corrupt("sessions", column, self.id.0);
        let state = match (self.ended_at, self.end_reason.as_deref()) {
            (None, None) => SessionState::Active,
            (Some(at), Some(why)) => SessionState::Ended {
                at: at.0,
                why: EndReason::stored(why).ok_or_else(|| bad("end_reason"))?,
            },
            (None, Some(_)) => return Err(bad("ended_at")),
            (Some(_), None) => return Err(bad("end_reason")),
        };
        let key = match self.idempotency_digest.as_deref() {
            None => None,
            Some(bytes) => Some(bytes.try_into().map_err(|_| bad("idempotency_digest"))?),
        };
        let ip = self
            .ip
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| bad("ip"))?;
        Ok(Session {
            id: SessionId::from_uuid(self.id.0),
            user: UserId::from_uuid(self.user_id.0),
            generation: Generation::from_number(self.generation).ok_or_else(|| bad("generation"))?,
            created_at: self.created_at.0,
            rotation: Rotation {
                number: u32::try_from(self.rotation).map_err(|_| bad("rotation"))?,
                rotated_at: self.rotated_at.0,
                refresh_expires_at: self.refresh_expires_at.0,
                access_until: self.access_until.0,
                key: key.map(IdempotencyDigest::new),
            },
            state,
            origin: Origin {
                ip,
                user_agent: self.user_agent,
            },
            assurance: Assurance {
                // A version that did not know the column began a session with a proof.
                authenticated_at: self.authenticated_at.unwrap_or(self.created_at).0,
                amr: self.amr.parse().map_err(|_| bad("amr"))?,
            },
            authentications: u32::try_from(self.authentications).map_err(|_| bad("authentications"))?,
        })
    }
}

/// What a cut has to know of a session that it hit.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(crate) struct EndedRow {
    pub(crate) id: Id,
    generation: i64,
    refresh_expires_at: Ts,
    pub(crate) access_until: Ts,
}

impl EndedRow {
    /// Whether it could still be refreshed.
    pub(crate) fn is_live(&self, user_generation: Generation, now: Timestamp) -> bool {
        self.generation >= user_generation.number() && now < self.refresh_expires_at.0
    }
}

/// A revocation as read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = revocations)]
pub(crate) struct RevocationRow {
    id: Id,
    kind: String,
    generation: Option<i64>,
    until: Ts,
    recorded_at: Ts,
}

impl RevocationRow {
    /// What it revokes, and when it was recorded.
    pub(crate) fn revocations(&self) -> impl Iterator<Item = (Revocation, Ts)> {
        let (until, recorded_at) = (self.until.0, self.recorded_at);
        revoked(self.id, &self.kind, self.generation)
            .into_iter()
            .map(move |what| (Revocation { what, until }, recorded_at))
    }
}

/// What a row of `revocations` hits. One that fits no revocation hits all that can have its id: what it was for stays revoked,
/// and the others are read.
pub(crate) fn revoked(id: Id, kind: &str, generation: Option<i64>) -> Vec<Revoked> {
    match one_revoked(id, kind, generation) {
        Ok(what) => vec![what],
        Err(column) => {
            tracing::error!(row = %id.0, "a row of revocations has no valid {column}: whatever has its id is refused");
            vec![
                Revoked::Token(TokenId::from_uuid(id.0)),
                Revoked::Session(SessionId::from_uuid(id.0)),
                Revoked::User(UserId::from_uuid(id.0), Generation::DELETED),
            ]
        }
    }
}

fn one_revoked(id: Id, kind: &str, generation: Option<i64>) -> Result<Revoked, &'static str> {
    match (kind, generation) {
        ("token", None) => Ok(Revoked::Token(TokenId::from_uuid(id.0))),
        ("session", None) => Ok(Revoked::Session(SessionId::from_uuid(id.0))),
        ("user", Some(number)) => {
            let least = Generation::from_number(number).ok_or("generation")?;
            Ok(Revoked::User(UserId::from_uuid(id.0), least))
        }
        ("token" | "session" | "user", _) => Err("generation"),
        _ => Err("kind"),
    }
}

/// A revocation to be recorded; the database adds its clock.
#[derive(Insertable)]
#[diesel(table_name = revocations)]
pub(crate) struct NewRevocationRow {
    id: Id,
    kind: &'static str,
    generation: Option<i64>,
    until: Ts,
}

impl NewRevocationRow {
    pub(crate) fn of(revocation: &Revocation) -> Self {
        let (id, kind, generation) = match revocation.what {
            Revoked::Token(id) => (id.as_uuid(), "token", None),
            Revoked::Session(id) => (id.as_uuid(), "session", None),
            Revoked::User(id, least) => (id.as_uuid(), "user", Some(least.number())),
        };
        Self {
            id: Id(id),
            kind,
            generation,
            until: Ts(revocation.until),
        }
    }
}

/// A signing key.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
pub(crate) struct KeyRow {
    kid: String,
    state: String,
    algorithm: String,
    public_jwk: String,
    sealed: Vec<u8>,
    published_at: Ts,
    verifies_until: Option<Ts>,
}

impl KeyRow {
    pub(crate) fn of(key: StoredKey) -> Self {
        Self {
            kid: key.standing.kid,
            state: key.standing.state.as_str().to_owned(),
            algorithm: key.algorithm,
            public_jwk: key.public_jwk,
            sealed: key.sealed,
            published_at: Ts(key.standing.published_at),
            verifies_until: key.standing.verifies_until.map(Ts),
        }
    }

    pub(crate) fn key(self) -> Result<StoredKey, Fault> {
        let state = self
            .state
            .parse()
            .map_err(|_| corrupt("signing_keys", "state", &self.kid))?;
        Ok(StoredKey {
            standing: KeyStanding {
                kid: self.kid,
                state,
                published_at: self.published_at.0,
                verifies_until: self.verifies_until.map(|at| at.0),
            },
            algorithm: self.algorithm,
            public_jwk: self.public_jwk,
            sealed: self.sealed,
        })
    }
}

/// A machine client.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = clients)]
pub(crate) struct ClientRow {
    id: String,
    secret_digest: Vec<u8>,
    created_at: Ts,
}

impl ClientRow {
    pub(crate) fn of(client: &Client) -> Self {
        Self {
            id: client.id.as_str().to_owned(),
            secret_digest: client.secret_digest.to_vec(),
            created_at: Ts(client.created_at),
        }
    }

    pub(crate) fn client(self) -> Result<Client, Fault> {
        let bad = |column| corrupt("clients", column, &self.id);
        Ok(Client {
            id: self.id.parse().map_err(|_| bad("id"))?,
            secret_digest: self
                .secret_digest
                .as_slice()
                .try_into()
                .map_err(|_| bad("secret_digest"))?,
            created_at: self.created_at.0,
        })
    }
}
