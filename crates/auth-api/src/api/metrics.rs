//! `GET /metrics` and `GET /version`, served only on the operators' address.

use crate::http::{
    problem::Problem,
    route::{Route, get, schema},
    state::HttpState,
};
use actix_web::{HttpResponse, http::header::CONTENT_TYPE, web::Data};
use auth_service::Service;
use serde::Serialize;

/// The routes for operators. The OpenAPI document is for clients and leaves them out.
pub(crate) fn routes() -> [Route; 2] {
    [
        get("/metrics")
            .undocumented()
            .anonymous()
            .ignores_unknown_parameters()
            .gives_media("The counters", "text/plain", schema::text)
            .to(metrics),
        get("/version")
            .undocumented()
            .anonymous()
            .ignores_unknown_parameters()
            .gives_media("The version", "application/json", schema::object)
            .to(version),
    ]
}

#[derive(Serialize)]
struct VersionJson {
    name: &'static str,
    version: &'static str,
}

/// The metrics in Prometheus' text format.
async fn metrics(service: Data<Service>, http_state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let text = http_state
        .metrics
        .render(&service.gauges())
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(text))
}

async fn version() -> HttpResponse {
    HttpResponse::Ok().json(VersionJson {
        name: "keyward",
        version: env!("CARGO_PKG_VERSION"),
    })
}
