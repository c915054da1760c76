//! What administrators do over HTTP. Every handler takes a `May` of the one permission that it needs.

pub mod audit;
pub mod keys;
pub mod sessions;
pub mod stats;
pub mod users;

use crate::http::{
    address::{delete, get, patch, post, resource},
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
                .route(get(&["query", "role", "status", "limit", "cursor"]).to(users::list))
                .route(post().to(users::create)),
        )
        .service(
            at("/users/{id}", "GET, HEAD, PATCH, DELETE")
                .route(get(&[]).to(users::show))
                .route(patch().to(users::change))
                .route(delete().to(users::delete)),
        )
        .service(at("/users/{id}/password-reset", "POST").route(post().to(users::send_reset)))
        .service(at("/users/{id}/lock-out", "POST").route(post().to(users::lock_out)))
        .service(
            at("/users/{id}/sessions", "GET, HEAD, DELETE")
                .route(get(&["status", "limit", "cursor"]).to(sessions::list))
                .route(delete().to(sessions::end_all)),
        )
        .service(at("/users/{id}/sessions/{session}", "DELETE").route(delete().to(sessions::end)))
        .service(
            at("/users/{id}/api-keys", "GET, HEAD, POST")
                .route(get(&[]).to(users::api_keys))
                .route(post().to(users::create_api_key)),
        )
        .service(at("/users/{id}/api-keys/{key}", "DELETE").route(delete().to(users::revoke_api_key)))
        .service(
            at("/audit", "GET, HEAD")
                .route(get(&["user", "action", "since", "until", "limit", "cursor"]).to(audit::list)),
        )
        .service(at("/stats", "GET, HEAD").route(get(&[]).to(stats::show)))
        .service(at("/keys", "GET, HEAD").route(get(&[]).to(keys::list)))
        .service(at("/keys/rotate", "POST").route(post().to(keys::rotate)));
}

/// What can't be an id names nobody.
pub(crate) fn user_id(text: &str) -> Result<UserId, Problem> {
    text.parse().map_err(|_| Code::NotFound.into())
}
