//! `DELETE /me` and `GET /me/export`: users delete their account and export their data.

use super::password::PASSWORD_ASKED;
use crate::{
    http::{
        bearer::{Acting, WithBody},
        json::{FromMembers, Members},
        problem::{Code, Problem},
        route::{self, Route, Tag, get},
    },
    views::export::{ExportJson, exported},
};
use actix_web::{HttpResponse, web::Data};
use auth_service::{PresentedProof, Service};
use secrecy::SecretString;
use utoipa::ToSchema;
use validator::Validate;

/// The routes that delete an account and export its data.
pub(crate) fn routes() -> [Route; 2] {
    [
        route::delete("/me")
            .id("deleteMe")
            .summary(
                Tag::Account,
                "Delete your account and everything that belongs to it",
            )
            .signed_in()
            .takes::<DeleteMeBody>()
            .gives_nothing(204)
            .may_fail(&PASSWORD_ASKED)
            .may_fail(&[Code::LastAdmin])
            .to(delete),
        get("/me/export")
            .id("exportMe")
            .summary(Tag::Account, "Export everything that is stored about you")
            .signed_in()
            .gives::<ExportJson>(200)
            .may_fail(&[Code::RateLimited])
            .to(export),
    ]
}

/// The password that confirms the deletion, which can't be undone.
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

async fn delete(
    service: Data<Service>,
    request: WithBody<Acting, DeleteMeBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: acting, body } = request;
    let password = PresentedProof::Password(body.password);
    let reauthenticated = service
        .reauthenticate(&acting.principal, &acting.caller, password)
        .await?;
    service.delete_me(reauthenticated).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn export(service: Data<Service>, acting: Acting) -> Result<HttpResponse, Problem> {
    exported(&service, &acting.principal, &acting.caller).await
}
