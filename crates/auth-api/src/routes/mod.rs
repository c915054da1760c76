//! The URL table: every address, its methods and its handler. Nothing else decides what is reachable.

use crate::{
    config::ServerConfig,
    problem::{Code, Problem},
};
use actix_web::{HttpResponse, Resource, Route, guard, web};
use std::sync::Arc;

pub mod account;
pub mod admin;
pub mod api_keys;
pub mod docs;
pub mod email;
pub mod health;
pub mod introspect;
pub mod jwks;
pub mod login;
pub mod logout;
pub mod logout_all;
pub mod me;
pub mod metrics;
pub mod password;
pub mod refresh;
pub mod register;
pub mod revoke;
pub mod sessions;
pub mod setup;
pub mod token;
pub mod verify;

/// The pattern of the route that a request fits, for counters and log lines.
#[derive(Debug, Clone)]
pub struct Pattern(pub Arc<str>);

/// The addresses that clients use.
pub fn public(table: &mut web::ServiceConfig, config: &ServerConfig) {
    let base = config.base_path.as_str();
    let at = |path: &str, allow: &'static str| resource(&format!("{base}{path}"), allow);
    table
        .service(at("/register", "POST").route(web::post().to(register::register)))
        .service(at("/login", "POST").route(web::post().to(login::login)))
        .service(at("/token", "POST").route(web::post().to(token::token)))
        .service(at("/refresh", "POST").route(web::post().to(refresh::refresh)))
        .service(at("/logout", "POST").route(web::post().to(logout::logout)))
        .service(at("/logout-all", "POST").route(web::post().to(logout_all::logout_all)))
        .service(
            at("/me", "GET, HEAD, PATCH, DELETE")
                .route(read().to(me::me))
                .route(web::patch().to(me::rename))
                .route(web::delete().to(account::delete)),
        )
        .service(at("/me/export", "GET, HEAD").route(read().to(account::export)))
        .service(at("/password/forgot", "POST").route(web::post().to(password::forgot)))
        .service(at("/password/reset", "POST").route(web::post().to(password::reset)))
        .service(at("/password/change", "POST").route(web::post().to(password::change)))
        .service(at("/not-me", "POST").route(web::post().to(password::not_me)))
        .service(at("/email/verification", "POST").route(web::post().to(email::send_again)))
        .service(at("/email/verify", "POST").route(web::post().to(email::verify)))
        .service(at("/email/change", "POST").route(web::post().to(email::change)))
        .service(
            at("/api-keys", "GET, HEAD, POST")
                .route(read().to(api_keys::list))
                .route(web::post().to(api_keys::create)),
        )
        .service(at("/api-keys/{id}", "DELETE").route(web::delete().to(api_keys::revoke)))
        .service(at("/sessions", "GET, HEAD").route(read().to(sessions::list)))
        .service(
            at("/sessions/{id}", "GET, HEAD, DELETE")
                .route(read().to(sessions::show))
                .route(web::delete().to(sessions::end)),
        )
        .service(at("/verify", "GET, HEAD").route(read().to(verify::verify)))
        .service(at("/introspect", "POST").route(web::post().to(introspect::introspect)))
        .service(at("/revoke", "POST").route(web::post().to(revoke::revoke)))
        .service(at("/setup", "POST").route(web::post().to(setup::setup)))
        .service(at("/health", "GET, HEAD").route(read().to(health::status)))
        .service(resource("/health/live", "GET, HEAD").route(read().to(health::live)))
        .service(resource("/health/ready", "GET, HEAD").route(read().to(health::ready)))
        .service(resource("/.well-known/jwks.json", "GET, HEAD").route(read().to(jwks::jwks)));
    admin::table(table, config);
    if config.docs {
        table
            .service(resource("/openapi.json", "GET, HEAD").route(read().to(docs::document)))
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

/// Whatever no address fits.
///
/// # Errors
/// Always: 404.
pub async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Code::NotFound.into())
}

/// An address; a method that it does not take is told those that it does.
pub(crate) fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path)
        .app_data(Pattern(path.into()))
        .default_service(web::to(move || async move {
            Err::<HttpResponse, Problem>(Problem::method_not_allowed(allow))
        }))
}

/// GET, and HEAD with it (RFC 9110 §9.1).
pub(crate) fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
