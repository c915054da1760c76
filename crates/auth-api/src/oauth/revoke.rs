//! `POST /revoke` (RFC 7009): a service revokes a token. An invalid token counts as revoked (§2.2).

use crate::{
    http::{
        call::Call,
        route::{Route, Tag, access::Client, post},
    },
    oauth::{client_auth::ClientForm, error::OauthError, introspect::TokenOfInterestForm},
};
use actix_web::{HttpResponse, web::Data};
use auth_service::Service;

/// Where services revoke tokens.
pub(crate) fn routes() -> [Route; 1] {
    [post("/revoke")
        .id("revoke")
        .summary(Tag::Services, "Revoke a token (RFC 7009)")
        .client()
        .takes_form::<TokenOfInterestForm>()
        .gives_nothing(200)
        .to(revoke)]
}

/// An answer of 200 says that the revocation is stored.
async fn revoke(
    service: Data<Service>,
    call: Call,
    ClientForm { mut form, .. }: ClientForm<Client>,
) -> Result<HttpResponse, OauthError> {
    let token = form.require("token")?;
    service.revoke(&token, &call.caller(&service)?).await?;
    Ok(HttpResponse::Ok().finish())
}
