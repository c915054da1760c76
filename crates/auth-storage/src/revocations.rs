//! Revocations. The rule: a row that can't be read revokes everything that could have its id.

use crate::{
    committed::Committed,
    context::ChangeContext,
    error::StorageError,
    reported_rows::ReportedRows,
    schema::revocations,
    sqlty::{Id, Ts},
    storage::{Storage, run},
};
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef},
    time::Timestamp,
    user::Generation,
    word::NewerWord,
};
use diesel::prelude::*;
use std::sync::Arc;

/// Revocations, and the database's clock before they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The revocations, each with its `recorded_at`.
    pub revocations: Vec<(Revocation, Timestamp)>,
    /// The database's clock.
    pub database_now: Timestamp,
}

impl Storage {
    /// Revokes one access token until `context.until_at_least`.
    pub async fn revoke_token(
        &self,
        token: TokenId,
        context: ChangeContext,
    ) -> Result<Committed<()>, StorageError> {
        run!(self, write, revocations::revoke_token(token, &context))
    }

    /// The unexpired revocations that were recorded at `after` or later by the database's clock; all of them without `after`. A server
    /// that accepts no writes counts as unavailable, because its data may be out of date.
    pub async fn revocations_since(&self, after: Option<Timestamp>) -> Result<Batch, StorageError> {
        let reported = Arc::clone(&self.inner.reported);
        run!(self, read, revocations::since(after, &reported))
    }

    /// What the database knows about a token.
    pub async fn facts(&self, token: TokenRef) -> Result<RevocationFacts, StorageError> {
        let reported = Arc::clone(&self.inner.reported);
        run!(self, look, revocations::facts(token, &reported))
    }
}

/// A revocation as stored.
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
    /// Whether it has not expired.
    pub(crate) fn is_live(&self, now: Ts) -> bool {
        self.until > now
    }

    /// What it revokes, and when it was recorded.
    pub(crate) fn revocations(&self, reported: &ReportedRows) -> impl Iterator<Item = (Revocation, Ts)> {
        let (until, recorded_at) = (self.until.0, self.recorded_at);
        revoked(self.id, &self.kind, self.generation, reported)
            .into_iter()
            .map(move |what| (Revocation { what, until }, recorded_at))
    }
}

/// What a row of `revocations` revokes. A row that can't be read revokes everything that could have its id: so what it was written for
/// stays revoked, and the other rows are still read.
pub(crate) fn revoked(id: Id, kind: &str, generation: Option<i64>, reported: &ReportedRows) -> Vec<Revoked> {
    match one_revoked(id, kind, generation) {
        Ok(what) => vec![what],
        Err(column) => {
            if reported.is_new(id.0, kind) {
                report(id, kind, column);
            }
            vec![
                Revoked::Token(TokenId::from_uuid(id.0)),
                Revoked::Session(SessionId::from_uuid(id.0)),
                Revoked::User(UserId::from_uuid(id.0), Generation::DELETED),
            ]
        }
    }
}

/// Reports a row in the log.
fn report(id: Id, kind: &str, column: &str) {
    match NewerWord::parse(kind).filter(|_| column == "kind") {
        Some(kind) => {
            tracing::warn!(row = %id.0, %kind, "a revocation has a kind that only a newer version knows: everything with its id is refused");
        }
        None => {
            tracing::error!(row = %id.0, "a row of revocations has no valid {column}: everything with its id is refused");
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

/// A revocation to be recorded. The database adds the time.
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
