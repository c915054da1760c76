//! `/users/{id}/api-keys`: administrators list, create and revoke a user's API keys.

use super::USER;
use crate::{
    api::api_keys::{self, ApiKeyBody, ApiKeyList, NewApiKeyJson},
    http::{
        bearer::WithBody,
        path,
        permission::{Authorized, UsersRead, UsersWrite},
        problem::{Code, Problem},
        route::{Parameter, Route, Tag, delete, get, post},
    },
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use auth_service::{Service, UserRef};

/// The routes for a user's API keys.
pub(crate) fn routes() -> [Route; 3] {
    [
        get("/users/{id}/api-keys")
            .id("adminListApiKeys")
            .summary(Tag::Admin, "A user's API keys")
            .holds::<UsersRead>()
            .with(USER)
            .gives::<ApiKeyList>(200)
            .may_fail(&[Code::NotFound])
            .to(list),
        post("/users/{id}/api-keys")
            .id("adminCreateApiKey")
            .summary(
                Tag::Admin,
                "Create an API key for a user; the key is shown only once",
            )
            .holds::<UsersWrite>()
            .with(USER)
            .takes::<ApiKeyBody>()
            .gives::<NewApiKeyJson<'_>>(201)
            .may_fail(&[Code::NotFound])
            .may_fail(&api_keys::NOT_CREATED)
            .to(create),
        delete("/users/{id}/api-keys/{key}")
            .id("adminRevokeApiKey")
            .summary(Tag::Admin, "Revoke a user's API key")
            .holds::<UsersWrite>()
            .with(USER)
            .with(Parameter::id("key", "The key's id."))
            .gives_nothing(204)
            .may_fail(&[Code::NotFound])
            .to(revoke),
    ]
}

async fn list(
    id: Path<String>,
    service: Data<Service>,
    _: Authorized<UsersRead>,
) -> Result<HttpResponse, Problem> {
    let user = service.admin().user(&UserRef::Id(path::id(&id)?)).await?;
    Ok(api_keys::list_of(&service.admin().api_keys(user.id).await?))
}

async fn create(
    id: Path<String>,
    service: Data<Service>,
    request: WithBody<Authorized<UsersWrite>, ApiKeyBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: admin, body } = request;
    let (key, secret) = service
        .create_api_key(&admin.bearer, path::id(&id)?, body.into(), &admin.caller)
        .await?;
    Ok(api_keys::created(&key, &secret))
}

async fn revoke(
    path: Path<(String, String)>,
    service: Data<Service>,
    admin: Authorized<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    let (user, key) = (path::id(&path.0)?, path::id(&path.1)?);
    service.admin().revoke_api_key(user, key, &admin.caller).await?;
    Ok(HttpResponse::NoContent().finish())
}
