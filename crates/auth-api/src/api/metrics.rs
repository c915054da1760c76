//! `GET /metrics` and `GET /version`, on the operators' address alone.

use crate::http::{edge::Edge, problem::Problem};
use actix_web::{HttpResponse, http::header::CONTENT_TYPE, web::Data};
use auth_service::Service;
use serde::Serialize;

#[derive(Serialize)]
struct VersionJson {
    name: &'static str,
    version: &'static str,
}

/// The counters in Prometheus' text format.
///
/// # Errors
/// [`Problem`] if they can't be written.
pub async fn metrics(service: Data<Service>, edge: Data<Edge>) -> Result<HttpResponse, Problem> {
    let text = edge
        .metrics
        .render(&service.figures())
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(text))
}

/// Which version runs.
pub async fn version() -> HttpResponse {
    HttpResponse::Ok().json(VersionJson {
        name: "keyward",
        version: env!("CARGO_PKG_VERSION"),
    })
}
