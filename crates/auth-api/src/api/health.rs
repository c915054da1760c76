//! Liveness and readiness. The rule: no version, no address and no reason reaches a client; the reasons are in the log.

use crate::http::{
    route::{Route, Tag, get},
    state::HttpState,
};
use actix_web::{HttpResponse, web::Data};
use auth_service::{Check, Service};
use serde::Serialize;
use tracing::{info, warn};
use utoipa::ToSchema;

/// The status route below the base path.
pub(crate) fn routes() -> [Route; 1] {
    [get("/health")
        .id("health")
        .summary(Tag::Operation, "Whether the process answers")
        .anonymous()
        .gives::<StatusJson>(200)
        .to(status)]
}

/// The status routes for orchestrators, at the root.
pub(crate) fn at_root() -> [Route; 2] {
    [
        get("/health/live")
            .id("live")
            .summary(Tag::Operation, "Whether the process answers")
            .anonymous()
            .gives::<StatusJson>(200)
            .to(live),
        get("/health/ready")
            .id("ready")
            .summary(Tag::Operation, "Whether the server may be sent requests")
            .anonymous()
            .gives::<ReadinessJson>(200)
            .or_gives::<ReadinessJson>(503, "Not now")
            .to(ready),
    ]
}

/// The log target of readiness. A line is written per change, however often a client asks.
const TARGET: &str = "keyward::readiness";

/// A status.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusJson {
    /// `ok`, `draining` or `unavailable`.
    #[schema(pattern = "^(ok|draining|unavailable)$")]
    pub status: &'static str,
}

/// The checks that readiness depends on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadinessJson {
    /// `ok`, `draining` or `unavailable`.
    #[schema(pattern = "^(ok|draining|unavailable)$")]
    pub status: &'static str,
    /// Whether the database answers and takes writes.
    #[schema(pattern = "^(ok|failed)$")]
    pub database: &'static str,
    /// Whether its schema is the one that this server expects.
    #[schema(pattern = "^(ok|failed)$")]
    pub migrations: &'static str,
    /// Whether this server's copy of the revocations is fresh.
    #[schema(pattern = "^(ok|failed)$")]
    pub blacklist: &'static str,
    /// Whether the clock agrees with the database's.
    #[schema(pattern = "^(ok|failed)$")]
    pub clock: &'static str,
}

/// Answers without asking the database.
async fn status(http_state: Data<HttpState>) -> HttpResponse {
    HttpResponse::Ok().json(StatusJson {
        status: if http_state.is_draining() {
            "draining"
        } else {
            "ok"
        },
    })
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(StatusJson { status: "ok" })
}

/// 503 while a check fails or the server drains.
async fn ready(service: Data<Service>, http_state: Data<HttpState>) -> HttpResponse {
    let parts = service.readiness().await;
    let (draining, ready) = (http_state.is_draining(), parts.is_ready());
    let answer = ReadinessJson {
        status: match (draining, ready) {
            (true, _) => "draining",
            (false, true) => "ok",
            (false, false) => "unavailable",
        },
        database: status_of(&parts.database),
        migrations: status_of(&parts.migrations),
        blacklist: status_of(&parts.blacklist),
        clock: status_of(&parts.clock),
    };
    let checks = [
        ("database", &parts.database),
        ("migrations", &parts.migrations),
        ("blacklist", &parts.blacklist),
        ("clock", &parts.clock),
    ];
    for (part, fails) in changes(&http_state, &checks) {
        match fails {
            Some(why) => warn!(target: TARGET, part, why, "not ready"),
            None => info!(target: TARGET, part, "ready again"),
        }
    }
    if ready && !draining {
        HttpResponse::Ok().json(answer)
    } else {
        HttpResponse::ServiceUnavailable().json(answer)
    }
}

fn status_of(check: &Check) -> &'static str {
    if check.is_ok() { "ok" } else { "failed" }
}

/// The checks that changed since the last call: why one fails now, or that it succeeds again. Each change is returned once, however
/// often readiness is asked for.
fn changes<'a>(http_state: &HttpState, checks: &[(&'a str, &'a Check)]) -> Vec<(&'a str, Option<&'a str>)> {
    let bits = || (0..u8::BITS).map(|bit| 1_u8 << bit);
    let failed = checks
        .iter()
        .zip(bits())
        .filter(|((_, check), _)| check.is_err())
        .fold(0, |failed, (_, bit)| failed | bit);
    let before = http_state.note_unready(failed);
    let changed = checks
        .iter()
        .zip(bits())
        .filter(|(_, bit)| (before ^ failed) & bit != 0);
    changed
        .map(|((part, check), _)| (*part, check.as_ref().err().map(String::as_str)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{config::ServerConfig, metrics::Metrics};

    #[test]
    fn a_failing_check_is_reported_once_until_it_succeeds_again() {
        let http_state = HttpState::new(ServerConfig::default(), Metrics::new().unwrap());
        let (good, bad): (Check, Check) = (Ok(()), Err("down".to_owned()));
        let answer = |first: &Check, second: &Check| -> Vec<String> {
            changes(&http_state, &[("first", first), ("second", second)])
                .into_iter()
                .map(|(part, fails)| format!("{part} {}", fails.unwrap_or("ready")))
                .collect()
        };
        assert_eq!(answer(&good, &good), [""; 0]);
        assert_eq!(answer(&good, &bad), ["second down"]);
        assert_eq!(answer(&good, &bad), [""; 0]);
        assert_eq!(answer(&bad, &bad), ["first down"]);
        assert_eq!(answer(&good, &bad), ["first ready"]);
        assert_eq!(answer(&good, &good), ["second ready"]);
    }
}
