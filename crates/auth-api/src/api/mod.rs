//! The JSON routes, a file an address or a few that belong together.
//!
//! The rule: the table says every address, its methods and its handler. Nothing else decides what is reachable.

use crate::http::{
    address::{delete, get, patch, post, read, resource},
    config::ServerConfig,
};
use actix_web::web;

pub mod account;
pub mod admin;
pub mod api_keys;
pub mod docs;
pub mod email;
pub mod health;
pub mod login;
pub mod logout;
pub mod logout_all;
pub mod me;
pub mod metrics;
pub mod password;
pub mod refresh;
pub mod register;
pub mod sessions;
pub mod setup;
pub mod verify;
pub mod views;

/// The addresses that clients use.
pub fn public(table: &mut web::ServiceConfig, config: &ServerConfig) {
    let base = config.base_path.as_str();
    let at = |path: &str, allow: &'static str| resource(&format!("{base}{path}"), allow);
    table
        .service(at("/register", "POST").route(post().to(register::register)))
        .service(at("/login", "POST").route(post().to(login::login)))
        .service(at("/refresh", "POST").route(post().to(refresh::refresh)))
        .service(at("/logout", "POST").route(post().to(logout::logout)))
        .service(at("/logout-all", "POST").route(post().to(logout_all::logout_all)))
        .service(
            at("/me", "GET, HEAD, PATCH, DELETE")
                .route(get(&[]).to(me::me))
                .route(patch().to(me::rename))
                .route(delete().to(account::delete)),
        )
        .service(at("/me/export", "GET, HEAD").route(get(&[]).to(account::export)))
        .service(at("/password/forgot", "POST").route(post().to(password::forgot)))
        .service(at("/password/reset", "POST").route(post().to(password::reset)))
        .service(at("/password/change", "POST").route(post().to(password::change)))
        .service(at("/not-me", "POST").route(post().to(password::not_me)))
        .service(at("/email/verification", "POST").route(post().to(email::send_again)))
        .service(at("/email/verify", "POST").route(post().to(email::verify)))
        .service(at("/email/change", "POST").route(post().to(email::change)))
        .service(
            at("/api-keys", "GET, HEAD, POST")
                .route(get(&[]).to(api_keys::list))
                .route(post().to(api_keys::create)),
        )
        .service(at("/api-keys/{id}", "DELETE").route(delete().to(api_keys::revoke)))
        .service(at("/sessions", "GET, HEAD").route(get(&["status", "limit", "cursor"]).to(sessions::list)))
        .service(
            at("/sessions/{id}", "GET, HEAD, DELETE")
                .route(get(&[]).to(sessions::show))
                .route(delete().to(sessions::end)),
        )
        .service(at("/verify", "GET, HEAD").route(get(&["role"]).to(verify::verify)))
        .service(at("/setup", "POST").route(post().to(setup::setup)))
        .service(at("/health", "GET, HEAD").route(get(&[]).to(health::status)))
        .service(resource("/health/live", "GET, HEAD").route(get(&[]).to(health::live)))
        .service(resource("/health/ready", "GET, HEAD").route(get(&[]).to(health::ready)));
    admin::table(table, config);
    if config.docs {
        table
            .service(resource("/openapi.json", "GET, HEAD").route(get(&[]).to(docs::document)))
            .service(resource("/docs", "GET, HEAD").route(read().to(docs::page)))
            .service(resource("/docs/{file}", "GET, HEAD").route(read().to(docs::file)));
    }
}

/// The addresses for operators, on a socket of their own.
pub fn operators(table: &mut web::ServiceConfig) {
    table
        .service(resource("/metrics", "GET, HEAD").route(read().to(metrics::metrics)))
        .service(resource("/version", "GET, HEAD").route(read().to(metrics::version)));
}
