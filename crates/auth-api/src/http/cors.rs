//! CORS (Fetch standard). The rule: the exact origins of the configuration, or none; never `*`.

use crate::http::{config::ServerConfig, device::X_DEVICE_TOKEN, request_id::X_REQUEST_ID};
use actix_cors::Cors;
use actix_web::{
    http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    middleware::Condition,
};

/// How long a browser may remember the answer to a preflight, in seconds.
const MAX_AGE: usize = 600;

/// CORS for the configured origins; off where none is configured.
#[must_use]
pub fn of(config: &ServerConfig) -> Condition<Cors> {
    let mut cors = Cors::default()
        .allowed_methods(["GET", "POST", "PATCH", "DELETE"])
        .allowed_headers([
            AUTHORIZATION.as_str(),
            CONTENT_TYPE.as_str(),
            "idempotency-key",
            X_DEVICE_TOKEN,
            X_REQUEST_ID,
        ])
        .expose_headers([
            X_REQUEST_ID,
            X_DEVICE_TOKEN,
            RETRY_AFTER.as_str(),
            WWW_AUTHENTICATE.as_str(),
            "ratelimit",
            "ratelimit-policy",
        ])
        // Other origins get the answer without the headers that would let a page read it, as from a server without CORS.
        .block_on_origin_mismatch(false)
        .max_age(MAX_AGE);
    for origin in &config.cors_origins {
        cors = cors.allowed_origin(origin);
    }
    if config.cors_credentials {
        cors = cors.supports_credentials();
    }
    Condition::new(!config.cors_origins.is_empty(), cors)
}

/// No CORS.
#[must_use]
pub fn none() -> Condition<Cors> {
    Condition::new(false, Cors::default())
}
