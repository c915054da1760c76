//! `GET|POST /api-keys`, `DELETE /api-keys/{id}`: users list, create and revoke their own API keys.

use crate::{
    http::{
        bearer::{Acting, SignedIn, WithBody},
        json::{FromMembers, Members},
        path,
        problem::{Code, Problem},
        route::{Parameter, Route, Tag, delete, get, post},
    },
    views::api_key::ApiKeyJson,
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use auth_domain::{api_key::ApiKey, role::Permission, time::Timestamp};
use auth_service::{Bearer, NewApiKey, Service};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;
use validator::Validate;

/// The routes for the user's own API keys.
pub(crate) fn routes() -> [Route; 3] {
    [
        get("/api-keys")
            .id("listApiKeys")
            .summary(Tag::Account, "Your own API keys")
            .signed_in()
            .gives::<ApiKeyList>(200)
            .to(list),
        post("/api-keys")
            .id("createApiKey")
            .summary(Tag::Account, "Create an API key; the key is shown only once")
            .signed_in()
            .takes::<ApiKeyBody>()
            .gives::<NewApiKeyJson<'_>>(201)
            .may_fail(&NOT_CREATED)
            .to(create),
        delete("/api-keys/{id}")
            .id("revokeApiKey")
            .summary(Tag::Account, "Revoke an API key")
            .signed_in()
            .with(Parameter::id(
                "id",
                "The key's id. Another user's key is not found.",
            ))
            .gives_nothing(204)
            .may_fail(&[Code::NotFound])
            .to(revoke),
    ]
}

/// Why a key may not be created.
pub(super) const NOT_CREATED: [Code; 4] = [
    Code::InvalidName,
    Code::PermissionNotHeld,
    Code::TooManyApiKeys,
    Code::RateLimited,
];

/// An API key to create.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyBody {
    /// The name: what the key is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The permissions, each of which the creator must hold. A key without permissions only identifies its owner.
    #[schema(value_type = Option<Vec<String>>)]
    permissions: Vec<Permission>,
    /// When the key expires; never, if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl FromMembers for ApiKeyBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let name = members.text("name");
        let words = members.optional_texts("permissions");
        let expires_at = members.optional_word(
            "expires_at",
            "invalid_time",
            "Write the expiry as in 2030-01-31T12:00:00Z (RFC 3339).",
        );
        let permissions: Result<Vec<Permission>, _> = words?
            .unwrap_or_default()
            .iter()
            .map(|word| word.parse())
            .collect();
        let permissions = match permissions {
            Ok(permissions) => Some(permissions),
            Err(_) => members.fault(
                "permissions",
                "unknown_permission",
                "Each permission must be one that the documentation lists, such as users:read.",
            ),
        };
        Some(Self {
            name: name?,
            permissions: permissions?,
            expires_at: expires_at?,
        })
    }
}

impl From<ApiKeyBody> for NewApiKey {
    fn from(body: ApiKeyBody) -> Self {
        Self {
            name: body.name,
            permissions: body.permissions,
            expires_at: body.expires_at,
        }
    }
}

/// An API key that was just created.
#[derive(Serialize, ToSchema)]
pub struct NewApiKeyJson<'a> {
    /// The key. It is shown only once.
    pub key: &'a str,
    /// The stored data of the key.
    pub api_key: ApiKeyJson,
}

/// All keys of a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyList {
    /// The keys, newest first.
    pub items: Vec<ApiKeyJson>,
}

async fn list(service: Data<Service>, signed_in: SignedIn) -> Result<HttpResponse, Problem> {
    let keys = service.admin().api_keys(signed_in.principal.user()).await?;
    Ok(list_of(&keys))
}

async fn create(
    service: Data<Service>,
    request: WithBody<Acting, ApiKeyBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: acting, body } = request;
    let (owner, maker) = (acting.principal.user(), Bearer::Session(acting.principal));
    let (key, secret) = service
        .create_api_key(&maker, owner, body.into(), &acting.caller)
        .await?;
    Ok(created(&key, &secret))
}

async fn revoke(id: Path<String>, service: Data<Service>, acting: Acting) -> Result<HttpResponse, Problem> {
    service
        .revoke_own_api_key(&acting.principal, path::id(&id)?, &acting.caller)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) fn list_of(keys: &[ApiKey]) -> HttpResponse {
    HttpResponse::Ok().json(ApiKeyList {
        items: keys.iter().map(ApiKeyJson::from).collect(),
    })
}

pub(super) fn created(key: &ApiKey, secret: &SecretString) -> HttpResponse {
    HttpResponse::Created().json(NewApiKeyJson {
        key: secret.expose_secret(),
        api_key: key.into(),
    })
}
