//! Whether the process lives, and whether it may be sent requests. No version, no address, no reason reaches a client; the
//! reasons are in the log.

use crate::edge::Edge;
use actix_web::{HttpResponse, web::Data};
use auth_service::{Check, Service};
use serde::Serialize;
use tracing::warn;
use utoipa::ToSchema;

/// A status.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusJson {
    /// `ok`, `draining` or `unavailable`.
    #[schema(pattern = "^(ok|draining|unavailable)$")]
    pub status: &'static str,
}

/// The parts that readiness hangs on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadinessJson {
    /// `ok`, `draining` or `unavailable`.
    #[schema(pattern = "^(ok|draining|unavailable)$")]
    pub status: &'static str,
    /// The database answers, and takes writes.
    #[schema(pattern = "^(ok|failed)$")]
    pub database: &'static str,
    /// Its schema is the one that this server knows.
    #[schema(pattern = "^(ok|failed)$")]
    pub migrations: &'static str,
    /// The copy of the revocations is fresh.
    #[schema(pattern = "^(ok|failed)$")]
    pub blacklist: &'static str,
    /// The clock agrees with the database's.
    #[schema(pattern = "^(ok|failed)$")]
    pub clock: &'static str,
}

/// `GET /health` under the base path: 200 as long as the process answers; it asks no database.
pub async fn status(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(StatusJson {
        status: if edge.is_draining() { "draining" } else { "ok" },
    })
}

/// `GET /health/live`: 200 as long as the process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(StatusJson { status: "ok" })
}

/// `GET /health/ready`: 200, or 503 while a part is out of reach or the server drains.
pub async fn ready(service: Data<Service>, edge: Data<Edge>) -> HttpResponse {
    let parts = service.readiness().await;
    let (draining, ready) = (edge.is_draining(), parts.is_ready());
    let told = ReadinessJson {
        status: match (draining, ready) {
            (true, _) => "draining",
            (false, true) => "ok",
            (false, false) => "unavailable",
        },
        database: word("database", &parts.database),
        migrations: word("migrations", &parts.migrations),
        blacklist: word("blacklist", &parts.blacklist),
        clock: word("clock", &parts.clock),
    };
    if ready && !draining {
        HttpResponse::Ok().json(told)
    } else {
        HttpResponse::ServiceUnavailable().json(told)
    }
}

fn word(part: &str, check: &Check) -> &'static str {
    match check {
        Ok(()) => "ok",
        Err(why) => {
            warn!(part, why, "not ready");
            "failed"
        }
    }
}
