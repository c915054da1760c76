//! The routes that speak OAuth 2.0: the token endpoint, introspection, revocation and the public keys.
//!
//! The rule: bodies are forms, and errors have the words of RFC 6749 §5.2.

pub mod client_auth;
pub mod error;
pub mod introspect;
pub mod jwks;
pub mod revoke;
pub mod token;

use crate::http::{
    address::{post, read, resource, unmatched},
    config::ServerConfig,
    problem::Code,
};
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use error::{OauthCode, OauthError};

/// The addresses that clients use.
pub fn public(table: &mut web::ServiceConfig, config: &ServerConfig) {
    let base = config.base_path.as_str();
    let at = |path: &str| oauth(resource(&format!("{base}{path}"), "POST"), "POST");
    table
        .service(at("/token").route(post().to(token::token)))
        .service(at("/introspect").route(post().to(introspect::introspect)))
        .service(at("/revoke").route(post().to(revoke::revoke)))
        .service(resource("/.well-known/jwks.json", "GET, HEAD").route(read().to(jwks::jwks)));
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
