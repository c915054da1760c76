//! All routes there are. The rule: what is in these tables can be called, and nothing else can.

use crate::{
    api,
    http::{
        config::ServerConfig,
        route::{Operation, Table},
    },
    oauth,
    openapi::Document,
};

/// The routes that clients call.
#[must_use]
pub fn of_clients(config: &ServerConfig) -> Table {
    api::routes(config).with(oauth::routes(config))
}

/// The routes that operators call, on a socket of their own.
#[must_use]
pub fn of_operators() -> Table {
    api::of_operators()
}

/// What every route declares.
#[must_use]
pub fn operations(config: &ServerConfig) -> Vec<Operation> {
    of_clients(config).with(of_operators()).operations()
}

/// The description of the routes that clients call.
#[must_use]
pub fn document(config: &ServerConfig) -> Document {
    Document::of(config, |config| of_clients(config).operations())
}

#[cfg(test)]
mod tests;
