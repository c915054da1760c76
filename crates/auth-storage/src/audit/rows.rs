//! Rows of the audit log and of its seals. The rule: every row can be loaded, including one that is not a valid event.

use crate::{
    fault::{Fault, corrupt},
    schema::{audit_events, audit_seals},
    sqlty::{Id, Perhaps, Ts},
};
use auth_domain::{
    audit::{Action, Actor, AuditEvent, Seal, SealFormat},
    ids::{ApiKeyId, AuditEventId, SessionId, UserId},
};
use diesel::prelude::*;
use uuid::Uuid;

/// An event to be written.
#[derive(Insertable)]
#[diesel(table_name = audit_events)]
pub(crate) struct NewAuditRow {
    id: Id,
    at: Ts,
    actor: String,
    actor_id: Option<Id>,
    api_key_id: Option<Id>,
    action: String,
    subject: Option<Id>,
    session_id: Option<Id>,
    ip: Option<String>,
    request_id: Option<String>,
    details: String,
}

impl NewAuditRow {
    pub(crate) fn of(event: &AuditEvent) -> Self {
        Self {
            id: Id(event.id.as_uuid()),
            at: Ts(event.at),
            actor: event.actor.kind().to_owned(),
            actor_id: event.actor.user().map(|id| Id(id.as_uuid())),
            api_key_id: event.actor.api_key().map(|id| Id(id.as_uuid())),
            action: event.action.as_str().to_owned(),
            subject: event.subject.map(|id| Id(id.as_uuid())),
            session_id: event.session.map(|id| Id(id.as_uuid())),
            ip: event.ip.map(|ip| ip.to_string()),
            request_id: event.request_id.clone(),
            // A map of texts always has a JSON form.
            details: serde_json::to_string(&event.details).unwrap_or_default(),
        }
    }
}

/// An event as stored. Any row can be loaded, including one that is not a valid event, because it must not hide the others.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub(crate) struct AuditRow {
    id: Perhaps<Id>,
    at: Perhaps<Ts>,
    actor: String,
    actor_id: Option<Perhaps<Id>>,
    api_key_id: Option<Perhaps<Id>>,
    action: String,
    subject: Option<Perhaps<Id>>,
    session_id: Option<Perhaps<Id>>,
    ip: Option<String>,
    request_id: Option<String>,
    details: String,
}

impl AuditRow {
    /// Its id, if it can be read.
    pub(crate) fn id(&self) -> Option<Id> {
        self.id.0
    }

    /// Its time, if it can be read.
    pub(crate) fn at(&self) -> Option<Ts> {
        self.at.0
    }

    pub(crate) fn event(self) -> Result<AuditEvent, Fault> {
        let Some(id) = self.id.0 else {
            return Err(corrupt("audit_events", "id", "that can't be read"));
        };
        let bad = |column| corrupt("audit_events", column, id.0);
        let uuid = |column: Option<Perhaps<Id>>, name| -> Result<Option<Uuid>, Fault> {
            column
                .map(|found| found.0.map(|id| id.0).ok_or_else(|| bad(name)))
                .transpose()
        };
        let actor = Actor::from_parts(
            &self.actor,
            uuid(self.actor_id, "actor_id")?.map(UserId::from_uuid),
            uuid(self.api_key_id, "api_key_id")?.map(ApiKeyId::from_uuid),
        );
        Ok(AuditEvent {
            id: AuditEventId::from_uuid(id.0),
            at: self.at.0.ok_or_else(|| bad("at"))?.0,
            actor: actor.ok_or_else(|| bad("actor"))?,
            action: Action::stored(&self.action).ok_or_else(|| bad("action"))?,
            subject: uuid(self.subject, "subject")?.map(UserId::from_uuid),
            session: uuid(self.session_id, "session_id")?.map(SessionId::from_uuid),
            ip: self
                .ip
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|_| bad("ip"))?,
            details: serde_json::from_str(&self.details).map_err(|_| bad("details"))?,
            request_id: self.request_id,
        })
    }
}

/// A seal as stored.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_seals)]
pub(crate) struct SealRow {
    number: i64,
    format: i64,
    previous: Vec<u8>,
    count: i64,
    mac: Vec<u8>,
    sealed_at: Ts,
}

impl SealRow {
    pub(crate) fn of(seal: &Seal) -> Self {
        Self {
            number: seal.number,
            format: seal.format.number(),
            previous: seal.previous.to_vec(),
            count: seal.count,
            mac: seal.mac.to_vec(),
            sealed_at: Ts(seal.sealed_at),
        }
    }

    pub(crate) fn seal(self) -> Result<Seal, Fault> {
        let bad = |column| corrupt("audit_seals", column, self.number);
        Ok(Seal {
            number: self.number,
            format: SealFormat::from_number(self.format).ok_or_else(|| bad("format"))?,
            previous: self.previous.as_slice().try_into().map_err(|_| bad("previous"))?,
            count: self.count,
            mac: self.mac.as_slice().try_into().map_err(|_| bad("mac"))?,
            sealed_at: self.sealed_at.0,
        })
    }
}
