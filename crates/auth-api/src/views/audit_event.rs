//! An event of the audit log.

use super::rfc3339;
use crate::http::cursor::Listed;
use auth_domain::{audit::AuditEvent, ids::UserId};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorJson {
    /// `user`, `api_key`, `operator`, `service` or `anonymous`.
    #[schema(pattern = "^(user|api_key|operator|service|anonymous)$")]
    kind: String,
    /// The user.
    #[schema(required, format = Uuid)]
    user_id: Option<String>,
    /// The API key.
    #[schema(required, format = Uuid)]
    api_key_id: Option<String>,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventJson {
    /// Its id.
    #[schema(format = Uuid)]
    id: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who did it.
    actor: ActorJson,
    /// What.
    action: String,
    /// The user whom it concerns.
    #[schema(required, format = Uuid)]
    subject: Option<String>,
    /// The session.
    #[schema(required, format = Uuid)]
    session_id: Option<String>,
    /// The client's address.
    #[schema(required)]
    ip: Option<String>,
    /// The request's id.
    #[schema(required)]
    request_id: Option<String>,
    /// What else there is to say.
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
    /// The event as a user who is no administrator sees it: of what others did, neither who nor from where.
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
