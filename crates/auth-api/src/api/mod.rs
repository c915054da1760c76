//! The JSON routes: a file for each address, or for a few that belong together.
//!
//! The rule: a route declares itself in its own file ([`crate::http::route`]). This file lists the files, and the path that their
//! routes are below.

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
pub mod typed_address;
pub mod verify;

use crate::http::{config::ServerConfig, route::Table};

/// The routes that clients call.
#[must_use]
pub fn routes(config: &ServerConfig) -> Table {
    let base = config.base_path.as_str();
    let table = Table::new()
        .below(base, register::routes())
        .below(base, login::routes())
        .below(base, refresh::routes())
        .below(base, logout::routes())
        .below(base, logout_all::routes())
        .below(base, me::routes())
        .below(base, account::routes())
        .below(base, password::routes())
        .below(base, email::routes())
        .below(base, api_keys::routes())
        .below(base, sessions::routes())
        .below(base, verify::routes())
        .below(base, setup::routes())
        .below(base, health::routes())
        .below("", health::at_root())
        .below(&config.admin_path, admin::routes());
    if config.docs {
        table.below("", docs::at_root())
    } else {
        table
    }
}

/// The routes that operators call, on a separate listener.
#[must_use]
pub fn of_operators() -> Table {
    Table::new().below("", metrics::routes())
}
