//! `POST /logout-all`: ends every session of the user.

use crate::{
    api::views::LoggedOutAllJson,
    http::{bearer::Acting, edge::Edge, metrics::RevokedBy, problem::Problem},
};
use actix_web::{HttpResponse, web::Data};
use auth_service::Service;

/// 200; 401.
///
/// # Errors
/// [`Problem`].
pub async fn logout_all(
    service: Data<Service>,
    edge: Data<Edge>,
    acting: Acting,
) -> Result<HttpResponse, Problem> {
    let sessions_revoked = service.logout_all(&acting.principal, &acting.caller).await?;
    edge.metrics.revoked(RevokedBy::LogoutAll);
    let message = "Successfully logged out from all sessions";
    Ok(HttpResponse::Ok().json(LoggedOutAllJson {
        message,
        sessions_revoked,
    }))
}
