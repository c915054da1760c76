//! The URL table: every address, its methods and its handler. Nothing else decides what is reachable.

use crate::{
    config::ServerConfig,
    oauth_error::{OauthCode, OauthError},
    problem::{Code, Problem},
    query::UnknownParameters,
};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Resource, Route, guard, web};
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
        .service(at("/register", "POST").route(post().to(register::register)))
        .service(at("/login", "POST").route(post().to(login::login)))
        .service(oauth(at("/token", "POST"), "POST").route(post().to(token::token)))
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
        .service(oauth(at("/introspect", "POST"), "POST").route(post().to(introspect::introspect)))
        .service(oauth(at("/revoke", "POST"), "POST").route(post().to(revoke::revoke)))
        .service(at("/setup", "POST").route(post().to(setup::setup)))
        .service(at("/health", "GET, HEAD").route(get(&[]).to(health::status)))
        .service(resource("/health/live", "GET, HEAD").route(get(&[]).to(health::live)))
        .service(resource("/health/ready", "GET, HEAD").route(get(&[]).to(health::ready)))
        .service(resource("/.well-known/jwks.json", "GET, HEAD").route(read().to(jwks::jwks)));
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
        .default_service(web::to(move |request: HttpRequest| async move {
            Err::<HttpResponse, Problem>(unmatched(&request, allow))
        }))
}

/// An address that names unknown parameters in the words of OAuth (RFC 6749 §5.2). What it takes stands in the body (§3.2).
fn oauth(address: Resource, allow: &'static str) -> Resource {
    address.default_service(web::to(move |request: HttpRequest| async move {
        let problem = unmatched(&request, allow);
        Err::<HttpResponse, actix_web::Error>(match problem.code() {
            Code::UnknownParameter => {
                OauthError::new(OauthCode::InvalidRequest, "Send the parameters in the body").into()
            }
            _ => problem.into(),
        })
    }))
}

/// Why no route of an address took a request.
fn unmatched(request: &HttpRequest, allow: &'static str) -> Problem {
    let unknown = request.extensions_mut().remove::<UnknownParameters>();
    unknown.map_or_else(|| Problem::method_not_allowed(allow), Problem::from)
}

/// GET, and HEAD with it (RFC 9110 §9.1), whatever the query says.
pub(crate) fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// GET and HEAD of the API, with the query parameters that the handler reads. A request with another one gets 422.
fn get(known: &'static [&'static str]) -> Route {
    strict(read(), known)
}

fn post() -> Route {
    strict(web::post(), &[])
}

fn patch() -> Route {
    strict(web::patch(), &[])
}

fn delete() -> Route {
    strict(web::delete(), &[])
}

/// The route matches only a query that it knows; the address's default service answers all others.
fn strict(route: Route, known: &'static [&'static str]) -> Route {
    route.guard(guard::fn_guard(move |request| {
        UnknownParameters::are_absent(request, known)
    }))
}
