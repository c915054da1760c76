//! `POST /revoke` (RFC 7009): a service gives a token back. What is no token is revoked already.

use crate::{
    http::{
        call::Call,
        edge::Edge,
        metrics::RevokedBy,
        route::{Route, Tag, post},
    },
    oauth::{client_auth::FormOfClient, error::OauthError, introspect::TokenOfInterestForm},
};
use actix_web::{HttpResponse, web::Data};
use auth_service::Service;

/// Where services give tokens back.
pub(crate) fn routes() -> [Route; 1] {
    [post("/revoke")
        .id("revoke")
        .summary(Tag::Services, "Give a token back (RFC 7009)")
        .client()
        .takes_form::<TokenOfInterestForm>()
        .gives_nothing(200)
        .to(revoke)]
}

/// 200 without a body; 400, 401; 503 if the revocation could not be kept.
///
/// # Errors
/// [`OauthError`].
pub async fn revoke(
    service: Data<Service>,
    edge: Data<Edge>,
    call: Call,
    FormOfClient(mut form): FormOfClient,
) -> Result<HttpResponse, OauthError> {
    let token = form.need("token")?;
    service.revoke(&token, &call.caller(&service)?).await?;
    edge.metrics.revoked(RevokedBy::Revoke);
    Ok(HttpResponse::Ok().finish())
}
