//! `POST /revoke` (RFC 7009): a service gives a token back. What is no token is revoked already.

use crate::{
    http::{
        call::Call,
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

/// An answer of 200 says that the revocation is stored.
async fn revoke(
    service: Data<Service>,
    call: Call,
    FormOfClient(mut form): FormOfClient,
) -> Result<HttpResponse, OauthError> {
    let token = form.need("token")?;
    service.revoke(&token, &call.caller(&service)?).await?;
    Ok(HttpResponse::Ok().finish())
}
