//! Every route, by the listener that serves it. The rule: a route that is in these tables can be called, and no other can.

use crate::{
    api,
    http::{config::ServerConfig, route::Table},
    oauth,
    openapi::Document,
};
use actix_web::web::ServiceConfig;

#[cfg(test)]
use crate::http::route::Route;

/// An address that the server listens on. The server starts the listeners of [`Listener::ALL`] and no others, so a caller that goes
/// through them sees every route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// `server.bind`, for clients. The pages are served here, too.
    Clients,
    /// `server.admin_bind`, for operators.
    Operators,
}

impl Listener {
    /// Every listener.
    pub const ALL: [Self; 2] = [Self::Clients, Self::Operators];

    /// The routes that the listener serves.
    #[must_use]
    pub fn routes(self, config: &ServerConfig) -> Table {
        match self {
            Self::Clients => api::routes(config).with(oauth::routes(config)),
            Self::Operators => api::of_operators(),
        }
    }

    /// The routes that the listener serves, ready to register.
    #[must_use]
    pub fn served(self, config: &ServerConfig) -> Served {
        Served(self.routes(config))
    }
}

/// The routes of a listener, ready to register. Only a [`Listener`] creates one, so every route that is served is one of
/// [`Listener::ALL`].
pub struct Served(Table);

impl Served {
    /// Registers the routes with the application.
    pub(super) fn register(self, app: &mut ServiceConfig) {
        self.0.register(app);
    }

    /// Adds routes, so that a test can see how the frame treats answers that none of our routes gives.
    #[cfg(test)]
    pub(super) fn and(self, routes: impl IntoIterator<Item = Route>) -> Self {
        Self(self.0.below("", routes))
    }
}

/// The description of the routes that clients call.
#[must_use]
pub fn document(config: &ServerConfig) -> Document {
    Document::of(config, |config| Listener::Clients.routes(config).operations())
}

#[cfg(test)]
mod tests;
