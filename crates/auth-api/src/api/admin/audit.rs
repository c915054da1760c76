//! `GET /audit`: what happened, newest first.

use super::users::parsed;
use crate::{
    api::views::rfc3339,
    http::{
        cursor::{List, Listed, Paging},
        permission::{AuditRead, May},
        problem::{FieldError, Problem},
        query::{Query, is_countable},
        route::{Parameter, Route, Tag, get, schema},
    },
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use auth_domain::{
    audit::{Action, AuditEvent},
    ids::UserId,
    time::Timestamp,
};
use auth_service::{AuditFilter, Service};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Where the audit log is read.
pub(crate) fn routes() -> [Route; 1] {
    [get("/audit")
        .id("adminListAudit")
        .summary(Tag::Admin, "What happened, newest first")
        .holds::<AuditRead>()
        .with(Parameter::query(
            "user",
            "What concerns this user, or was done by it.",
            schema::uuid,
        ))
        .with(Parameter::query("action", "What was done.", || {
            schema::text().enum_values(Some(Action::ALL.iter().map(|action| action.as_str())))
        }))
        .with(Parameter::query("since", "From then on.", schema::time))
        .with(Parameter::query("until", "Until before then.", schema::time))
        .paged()
        .gives::<List<AuditEventJson>>(200)
        .to(list)]
}

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
    /// The event as somebody is told it who is no administrator: of what others did, not who and from where.
    pub fn as_told_to(reader: UserId, event: &AuditEvent) -> Self {
        let told = event.as_told_to(reader);
        Self {
            actor: ActorJson {
                kind: event.actor.kind().to_owned(),
                user_id: told.actor.and_then(|actor| actor.user()).map(|id| id.to_string()),
                api_key_id: told
                    .actor
                    .and_then(|actor| actor.api_key())
                    .map(|id| id.to_string()),
            },
            ip: told.ip.map(|ip| ip.to_string()),
            request_id: told.request_id.map(ToOwned::to_owned),
            ..Self::from(event)
        }
    }
}

/// 200 with a page; 403, 422.
///
/// # Errors
/// [`Problem`].
pub async fn list(
    request: HttpRequest,
    service: Data<Service>,
    _may: May<AuditRead>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(request.query_string());
    let filter = AuditFilter {
        user: parsed(&query, "user", "invalid_id", "The user is given by its id.")?,
        action: parsed(&query, "action", "unknown_action", "There is no such action.")?,
        since: time(&query, "since")?,
        until: time(&query, "until")?,
        ..AuditFilter::default()
    };
    let paging = Paging::of(&query)?;
    let found = service.admin().audit(filter, paging.request()).await?;
    let page = paging.page(found, |event| event.id.as_uuid());
    Ok(HttpResponse::Ok().json(List {
        items: page.items.iter().map(AuditEventJson::from).collect::<Vec<_>>(),
        next_cursor: page.next_cursor,
    }))
}

/// A parameter as a moment.
fn time(query: &Query<'_>, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    const TIME: &str = "The time is written as in 2030-01-31T12:00:00Z (RFC 3339).";
    let found = parsed(query, name, "invalid_time", TIME)?;
    if found.as_ref().is_none_or(is_countable) {
        return Ok(found);
    }
    Err(Problem::invalid_input(vec![FieldError::new(
        name,
        "invalid_time",
        TIME,
    )]))
}
