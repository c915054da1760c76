//! `POST /logout-all`: ends every session of the user.

use crate::{
    http::{
        bearer::Acting,
        problem::Problem,
        route::{Route, Tag, post},
    },
    views::LoggedOutAllJson,
};
use actix_web::{HttpResponse, web::Data};
use auth_service::Service;

/// The route that ends every session.
pub(crate) fn routes() -> [Route; 1] {
    [post("/logout-all")
        .id("logoutAll")
        .summary(Tag::Tokens, "End every session of the user")
        .signed_in()
        .gives::<LoggedOutAllJson>(200)
        .to(logout_all)]
}

async fn logout_all(service: Data<Service>, acting: Acting) -> Result<HttpResponse, Problem> {
    let sessions_revoked = service.logout_all(&acting.principal, &acting.caller).await?;
    let message = "Successfully logged out from all sessions";
    Ok(HttpResponse::Ok().json(LoggedOutAllJson {
        message,
        sessions_revoked,
    }))
}
