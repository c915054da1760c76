//! `GET /.well-known/jwks.json` (RFC 7517): the public keys that verify our access tokens.

use actix_web::{HttpResponse, http::header::CONTENT_TYPE, web::Data};
use auth_domain::keys::JWKS_MAX_AGE;
use auth_service::Service;

/// 200 with the key set, to be kept as long as a key is published before it signs.
pub async fn jwks(service: Data<Service>) -> HttpResponse {
    let keep = format!("public, max-age={}", JWKS_MAX_AGE.num_seconds());
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header(("Cache-Control", keep))
        .body(service.jwks().as_bytes().to_vec())
}
