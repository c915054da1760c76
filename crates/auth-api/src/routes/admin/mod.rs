//! What administrators do over HTTP. Every handler takes a `May` of the one permission that it needs.

pub mod audit;
pub mod keys;
pub mod sessions;
pub mod stats;
pub mod users;

use super::{read, resource};
use crate::{
    config::ServerConfig,
    problem::{Code, Problem},
};
use actix_web::web;
use auth_domain::ids::UserId;

/// The addresses for administrators.
pub fn table(table: &mut web::ServiceConfig, config: &ServerConfig) {
    let base = config.admin_path.as_str();
    let at = |path: &str, allow: &'static str| resource(&format!("{base}{path}"), allow);
    table
        .service(
            at("/users", "GET, HEAD, POST")
                .route(read().to(users::list))
                .route(web::post().to(users::create)),
        )
        .service(
            at("/users/{id}", "GET, HEAD, PATCH, DELETE")
                .route(read().to(users::show))
                .route(web::patch().to(users::change))
                .route(web::delete().to(users::delete)),
        )
        .service(at("/users/{id}/password-reset", "POST").route(web::post().to(users::send_reset)))
        .service(at("/users/{id}/lock-out", "POST").route(web::post().to(users::lock_out)))
        .service(
            at("/users/{id}/sessions", "GET, HEAD, DELETE")
                .route(read().to(sessions::list))
                .route(web::delete().to(sessions::end_all)),
        )
        .service(at("/users/{id}/sessions/{session}", "DELETE").route(web::delete().to(sessions::end)))
        .service(
            at("/users/{id}/api-keys", "GET, HEAD, POST")
                .route(read().to(users::api_keys))
                .route(web::post().to(users::create_api_key)),
        )
        .service(at("/users/{id}/api-keys/{key}", "DELETE").route(web::delete().to(users::revoke_api_key)))
        .service(at("/audit", "GET, HEAD").route(read().to(audit::list)))
        .service(at("/stats", "GET, HEAD").route(read().to(stats::show)))
        .service(at("/keys", "GET, HEAD").route(read().to(keys::list)))
        .service(at("/keys/rotate", "POST").route(web::post().to(keys::rotate)));
}

/// What can't be an id names nobody.
pub(crate) fn user_id(text: &str) -> Result<UserId, Problem> {
    text.parse().map_err(|_| Code::NotFound.into())
}
