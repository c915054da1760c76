//! Everything that is stored about a user.

use super::{
    api_key::ApiKeyJson, audit_event::AuditEventJson, rfc3339, session::SessionJson, user::UserJson,
};
use crate::http::problem::Problem;
use actix_web::{HttpResponse, http::header::CONTENT_DISPOSITION};
use auth_service::{Caller, Principal, Service};
use serde::Serialize;
use utoipa::ToSchema;

/// Everything that is stored about a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportJson {
    /// When the data was read.
    #[schema(format = DateTime)]
    exported_at: String,
    /// The user.
    user: UserJson,
    /// The user's sessions, including ended ones, newest first.
    sessions: Vec<SessionJson>,
    /// The user's API keys.
    api_keys: Vec<ApiKeyJson>,
    /// The audit events that concern the user, newest first.
    audit: Vec<AuditEventJson>,
}

/// The answer with everything that is stored about a user, to be saved as a file.
pub async fn exported(
    service: &Service,
    principal: &Principal,
    caller: &Caller,
) -> Result<HttpResponse, Problem> {
    let export = service.export(principal, caller).await?;
    let current = principal.session();
    let sessions = export.sessions.iter().map(|session| SessionJson {
        current: session.id == current,
        ..SessionJson::from(session)
    });
    let body = ExportJson {
        exported_at: rfc3339(caller.now),
        user: UserJson::from(&export.user),
        sessions: sessions.collect(),
        api_keys: export.api_keys.iter().map(ApiKeyJson::from).collect(),
        audit: export
            .audit
            .iter()
            .map(|event| AuditEventJson::redacted_for(export.user.id, event))
            .collect(),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .json(body))
}
