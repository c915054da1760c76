//! `GET /.well-known/jwks.json` (RFC 7517): the public keys that verify our access tokens.

use crate::http::route::{Route, Tag, get, schema::text};
use actix_web::{HttpResponse, http::header::CONTENT_TYPE, web::Data};
use auth_domain::keys::JWKS_MAX_AGE;
use auth_service::Service;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder},
    },
};

/// Where the public keys are, at the root.
pub(crate) fn at_root() -> [Route; 1] {
    [get("/.well-known/jwks.json")
        .id("jwks")
        .summary(Tag::Operation, "The public keys of access tokens")
        .anonymous()
        .ignores_unknown_parameters()
        .gives::<KeySet>(200)
        .to(jwks)]
}

/// The key set (RFC 7517 §5).
pub enum KeySet {}

impl PartialSchema for KeySet {
    fn schema() -> RefOr<Schema> {
        let key = ObjectBuilder::new()
            .property("kty", text())
            .property("kid", text())
            .required("kty")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)));
        ObjectBuilder::new()
            .description(Some("Public keys (RFC 7517)."))
            .property("keys", ArrayBuilder::new().items(key))
            .required("keys")
            .into()
    }
}

impl ToSchema for KeySet {}

/// Clients may cache the keys as long as a key is published before it signs.
async fn jwks(service: Data<Service>) -> HttpResponse {
    let cached = format!("public, max-age={}", JWKS_MAX_AGE.num_seconds());
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header(("Cache-Control", cached))
        .body(service.jwks().as_bytes().to_vec())
}
