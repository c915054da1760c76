//! Rows to domain values and back, in this one place. A row that fits no state is refused, by table, column and key.

mod tokens;

pub(crate) use tokens::{ApiKeyRow, NewApiKeyRow, NewTokenRow, TokenRow, name_columns};

use crate::{
    asks::NewUser,
    fault::{Fault, corrupt},
    outcomes::Credentials,
    schema::{sessions, users},
    sqlty::{Id, Ts},
};
use auth_domain::{
    authentication::Assurance,
    email::EmailAddress,
    idempotency::IdempotencyDigest,
    ids::{SessionId, UserId},
    lineage::Rotation,
    password_hash::PasswordHash,
    session::{EndReason, Origin, Session, SessionState},
    time::Timestamp,
    user::{DisplayName, Generation, User, UserStatus},
};
use diesel::prelude::*;

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
