//! `DELETE /me` and `GET /me/export`: the rights over one's own account.

use super::{api_keys::ApiKeyJson, password::PASSWORD_ASKED};
use crate::{
    api::{
        admin::audit::AuditEventJson,
        views::{SessionJson, UserJson, rfc3339},
    },
    http::{
        bearer::{Acting, SignedInWith},
        json::{FromMembers, Members},
        problem::{Code, Problem},
        route::{self, Route, Tag, get},
    },
};
use actix_web::{HttpResponse, http::header::CONTENT_DISPOSITION, web::Data};
use auth_service::{Caller, Principal, Service};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;
use validator::Validate;

/// The rights over one's own account.
pub(crate) fn routes() -> [Route; 2] {
    [
        route::delete("/me")
            .id("deleteMe")
            .summary(Tag::Account, "Delete one's account and all it owns")
            .signed_in()
            .takes::<DeleteMeBody>()
            .gives_nothing(204)
            .may_fail(&PASSWORD_ASKED)
            .may_fail(&[Code::LastAdmin])
            .to(delete),
        get("/me/export")
            .id("exportMe")
            .summary(Tag::Account, "Everything that is stored about oneself")
            .signed_in()
            .gives::<ExportJson>(200)
            .may_fail(&[Code::RateLimited])
            .to(export),
    ]
}

/// The password, before what can't be taken back.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteMeBody {
    /// The current password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

impl FromMembers for DeleteMeBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            password: members.secret("password")?,
        })
    }
}

/// Everything that is stored about a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportJson {
    /// When it was read.
    #[schema(format = DateTime)]
    exported_at: String,
    /// The user.
    user: UserJson,
    /// Its sessions, ended ones too, newest first.
    sessions: Vec<SessionJson>,
    /// Its API keys.
    api_keys: Vec<ApiKeyJson>,
    /// What the audit log says of it, newest first.
    audit: Vec<AuditEventJson>,
}

/// 204; 401, 403, 409.
///
/// # Errors
/// [`Problem`].
pub async fn delete(
    service: Data<Service>,
    request: SignedInWith<DeleteMeBody>,
) -> Result<HttpResponse, Problem> {
    let SignedInWith { acting, body } = request;
    service
        .delete_me(&acting.principal, &acting.caller, body.password)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 200 with everything; 401.
///
/// # Errors
/// [`Problem`].
pub async fn export(service: Data<Service>, acting: Acting) -> Result<HttpResponse, Problem> {
    exported(&service, &acting.principal, &acting.caller).await
}

/// The answer with everything that is stored about a user, to be saved as a file.
///
/// # Errors
/// [`Problem`].
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
            .map(|event| AuditEventJson::as_told_to(export.user.id, event))
            .collect(),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .json(body))
}
