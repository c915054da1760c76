//! `GET /me` and `PATCH /me`: the user as stored now, and a change of their name.

use crate::{
    http::{
        bearer::{Acting, AnyBearer, WithBody},
        json::{FromMembers, Members},
        problem::{Code, Problem},
        route::{Route, Tag, get, patch},
    },
    views::user::UserJson,
};
use actix_web::{HttpResponse, web::Data};
use auth_service::Service;
use utoipa::ToSchema;
use validator::Validate;

/// The routes that show the user and change their name.
pub(crate) fn routes() -> [Route; 2] {
    [
        get("/me")
            .id("me")
            .summary(Tag::Account, "The user as stored now")
            .bearer()
            .gives::<UserJson>(200)
            .to(me),
        patch("/me")
            .id("rename")
            .summary(Tag::Account, "Change your name")
            .signed_in()
            .takes::<RenameBody>()
            .gives::<UserJson>(200)
            .may_fail(&[Code::InvalidName, Code::RateLimited])
            .to(rename),
    ]
}

/// What users may change about themselves.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameBody {
    /// The display name; `null` removes it.
    #[schema(required, min_length = 1, max_length = 100)]
    name: Option<String>,
}

impl FromMembers for RenameBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            name: members.nullable_text("name")?,
        })
    }
}

async fn me(service: Data<Service>, AnyBearer(bearer): AnyBearer) -> Result<HttpResponse, Problem> {
    let user = service.user_as_stored(bearer.user()).await?;
    Ok(HttpResponse::Ok().json(UserJson::from(&user)))
}

async fn rename(
    service: Data<Service>,
    request: WithBody<Acting, RenameBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: acting, body } = request;
    let user = service
        .rename(&acting.principal, body.name, &acting.caller)
        .await?;
    Ok(HttpResponse::Ok().json(UserJson::from(&user)))
}
