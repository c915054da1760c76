//! `POST /revoke` (RFC 7009): a service gives a token back. What is no token is revoked already.

use crate::{
    http::{call::Call, edge::Edge, form::Form, metrics::RevokedBy},
    oauth::{client_auth, error::OauthError},
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use auth_service::Service;

/// 200 without a body; 400, 401; 503 if the revocation could not be kept.
///
/// # Errors
/// [`OauthError`].
pub async fn revoke(
    request: HttpRequest,
    service: Data<Service>,
    edge: Data<Edge>,
    call: Call,
    mut form: Form,
) -> Result<HttpResponse, OauthError> {
    client_auth::require(&request, &mut form, &service).await?;
    let token = form.need("token")?;
    service.revoke(&token, &call.caller(&service)?).await?;
    edge.metrics.revoked(RevokedBy::Revoke);
    Ok(HttpResponse::Ok().finish())
}
