//! `GET /audit`: the events of the audit log, newest first.

use super::users::parsed;
use crate::{
    http::{
        cursor::{List, Paging},
        permission::{AuditRead, Authorized},
        problem::{FieldError, Problem},
        query::{Query, is_in_years_of_rfc3339},
        route::{Parameter, Route, Tag, get, schema},
    },
    views::audit_event::AuditEventJson,
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use auth_domain::{audit::Action, time::Timestamp};
use auth_service::{AuditFilter, Service};

/// The route that lists audit events.
pub(crate) fn routes() -> [Route; 1] {
    [get("/audit")
        .id("adminListAudit")
        .summary(Tag::Admin, "The events of the audit log, newest first")
        .holds::<AuditRead>()
        .with(Parameter::query(
            "user",
            "Only events that concern this user or that they caused.",
            schema::uuid,
        ))
        .with(Parameter::query("action", "Only events of this action.", || {
            schema::text().enum_values(Some(Action::ALL.iter().map(|action| action.as_str())))
        }))
        .with(Parameter::query(
            "since",
            "Only events at or after this time.",
            schema::time,
        ))
        .with(Parameter::query(
            "until",
            "Only events before this time.",
            schema::time,
        ))
        .paged()
        .gives::<List<AuditEventJson>>(200)
        .to(list)]
}

async fn list(
    request: HttpRequest,
    service: Data<Service>,
    _: Authorized<AuditRead>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(request.query_string());
    let filter = AuditFilter {
        user: parsed(
            &query,
            "user",
            "invalid_id",
            "The user must be given by their id.",
        )?,
        action: parsed(&query, "action", "unknown_action", "Unknown action.")?,
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

/// The parameter as a time.
fn time(query: &Query<'_>, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    const TIME: &str = "Write the time as in 2030-01-31T12:00:00Z (RFC 3339).";
    let found = parsed(query, name, "invalid_time", TIME)?;
    if found.as_ref().is_none_or(is_in_years_of_rfc3339) {
        return Ok(found);
    }
    Err(Problem::invalid_input(vec![FieldError::new(
        name,
        "invalid_time",
        TIME,
    )]))
}
