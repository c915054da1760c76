//! `GET /keys`, `POST /keys/rotate`: administrators list and rotate the signing keys.

use crate::{
    http::{
        json::{FromMembers, Members, OptionalJson},
        permission::{Authorized, KeysRead, KeysRotate},
        problem::{Code, Problem},
        route::{Route, Tag, get, post},
    },
    views::rfc3339,
};
use actix_web::{HttpResponse, web::Data};
use auth_service::{Failure, KeyAdmin, Service};
use serde::Serialize;
use utoipa::ToSchema;
use validator::Validate;

/// The routes for the signing keys.
pub(crate) fn routes() -> [Route; 2] {
    [
        get("/keys")
            .id("adminListKeys")
            .summary(Tag::Admin, "The signing keys")
            .holds::<KeysRead>()
            .gives::<SigningKeyList>(200)
            .to(list),
        post("/keys/rotate")
            .id("adminRotateKeys")
            .summary(Tag::Admin, "Sign with the next key from now on")
            .holds::<KeysRotate>()
            .may_take::<RotateBody>()
            .gives::<SigningKeyList>(200)
            .may_fail(&[Code::KeyTooYoung, Code::NoKeysToRotate])
            .to(rotate),
    ]
}

/// Options of the rotation.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateBody {
    /// Whether the active key is compromised: it is revoked at once, with every token that it signed.
    compromised: Option<bool>,
}

impl FromMembers for RotateBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            compromised: members.optional_bool("compromised")?,
        })
    }
}

/// A signing key: what everyone may know of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningKeyJson {
    /// Its id: the thumbprint (RFC 7638).
    kid: String,
    /// `next`, `active`, `retiring` or `retired`.
    #[schema(pattern = "^(next|active|retiring|retired)$")]
    state: &'static str,
    /// The algorithm.
    algorithm: &'static str,
    /// When the key was published.
    #[schema(format = DateTime)]
    published_at: String,
    /// Until when the key verifies tokens, once it no longer signs.
    #[schema(required, format = DateTime)]
    verifies_until: Option<String>,
}

/// All signing keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningKeyList {
    /// The keys, the oldest first.
    items: Vec<SigningKeyJson>,
}

/// With HS256 the list is empty.
async fn list(service: Data<Service>, _: Authorized<KeysRead>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(all(service.key_admin()).await?))
}

async fn rotate(
    service: Data<Service>,
    admin: Authorized<KeysRotate>,
    OptionalJson(body): OptionalJson<RotateBody>,
) -> Result<HttpResponse, Problem> {
    let compromised = body.and_then(|body| body.compromised).unwrap_or_default();
    service.rotate_keys(compromised, &admin.caller).await?;
    Ok(HttpResponse::Ok().json(all(service.key_admin()).await?))
}

async fn all(keys: Option<&KeyAdmin>) -> Result<SigningKeyList, Failure> {
    let Some(keys) = keys else {
        return Ok(SigningKeyList { items: Vec::new() });
    };
    let items = keys
        .list()
        .await?
        .into_iter()
        .map(|(standing, algorithm)| SigningKeyJson {
            kid: standing.kid,
            state: standing.state.as_str(),
            algorithm: algorithm.as_str(),
            published_at: rfc3339(standing.published_at),
            verifies_until: standing.verifies_until.map(rfc3339),
        });
    Ok(SigningKeyList {
        items: items.collect(),
    })
}
