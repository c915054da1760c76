//! The OAuth 2.0 routes: the token endpoint, introspection, revocation and the public keys.
//!
//! The rule: bodies are forms, and errors have the format and the codes of RFC 6749 §5.2.

pub mod client_auth;
pub mod error;
pub mod form;
pub mod introspect;
pub mod jwks;
pub mod revoke;
pub mod token;

use crate::http::{config::ServerConfig, route::Table};

/// The routes that clients call.
#[must_use]
pub fn routes(config: &ServerConfig) -> Table {
    let base = config.base_path.as_str();
    Table::new()
        .below(base, token::routes())
        .below(base, introspect::routes())
        .below(base, revoke::routes())
        .below("", jwks::at_root())
}
