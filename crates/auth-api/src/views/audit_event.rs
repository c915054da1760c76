//! An event of the audit log as clients see it. The rule: users see of others' actions neither who acted nor from where.

use super::rfc3339;
use crate::http::cursor::Listed;
use auth_domain::{audit::AuditEvent, ids::UserId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Who caused the event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorJson {
    /// `user`, `api_key`, `operator`, `service` or `anonymous`.
    #[schema(pattern = "^(user|api_key|operator|service|anonymous)$")]
    kind: String,
    /// The user's id.
    #[schema(required, format = Uuid)]
    user_id: Option<String>,
    /// The API key's id.
    #[schema(required, format = Uuid)]
    api_key_id: Option<String>,
}

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventJson {
    /// The event's id.
    #[schema(format = Uuid)]
    id: String,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// Who caused the event.
    actor: ActorJson,
    /// The action.
    action: String,
    /// The id of the user whom it concerns.
    #[schema(required, format = Uuid)]
    subject: Option<String>,
    /// The session's id.
    #[schema(required, format = Uuid)]
    session_id: Option<String>,
    /// The client's IP address.
    #[schema(required)]
    ip: Option<String>,
    /// The request's id.
    #[schema(required)]
    request_id: Option<String>,
    /// Further details.
    details: BTreeMap<String, String>,
}

impl Listed for AuditEventJson {
    const LIST: &str = "AuditList";
}

impl From<&AuditEvent> for AuditEventJson {
    fn from(event: &AuditEvent) -> Self {
        Self {
            id: event.id.to_string(),
            at: rfc3339(event.at),
            actor: ActorJson {
                kind: event.actor.kind().to_owned(),
                user_id: event.actor.user().map(|id| id.to_string()),
                api_key_id: event.actor.api_key().map(|id| id.to_string()),
            },
            action: event.action.as_str().to_owned(),
            subject: event.subject.map(|id| id.to_string()),
            session_id: event.session.map(|id| id.to_string()),
            ip: event.ip.map(|ip| ip.to_string()),
            request_id: event.request_id.clone(),
            details: event.details.clone(),
        }
    }
}

impl AuditEventJson {
    /// The event as a user who is not an administrator sees it: of others' actions, neither who acted nor from where.
    pub fn redacted_for(reader: UserId, event: &AuditEvent) -> Self {
        let redacted = event.redacted_for(reader);
        Self {
            actor: ActorJson {
                kind: event.actor.kind().to_owned(),
                user_id: redacted
                    .actor
                    .and_then(|actor| actor.user())
                    .map(|id| id.to_string()),
                api_key_id: redacted
                    .actor
                    .and_then(|actor| actor.api_key())
                    .map(|id| id.to_string()),
            },
            ip: redacted.ip.map(|ip| ip.to_string()),
            request_id: redacted.request_id.map(ToOwned::to_owned),
            ..Self::from(event)
        }
    }
}
