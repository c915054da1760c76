//! Every route that there is, by the listener that serves it. The rule: what is in these tables can be called, and nothing else can.

use crate::{
    api,
    http::{config::ServerConfig, route::Table},
    oauth,
    openapi::Document,
};
use actix_web::web::ServiceConfig;

#[cfg(test)]
use crate::http::route::Route;

/// An address that the server listens on. The server starts the listeners of [`Listener::ALL`] and no others, so whoever walks them
/// meets every route.
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

    /// The routes that it serves.
    #[must_use]
    pub fn routes(self, config: &ServerConfig) -> Table {
        match self {
            Self::Clients => api::routes(config).with(oauth::routes(config)),
            Self::Operators => api::of_operators(),
        }
    }

    /// The same, to be served.
    #[must_use]
    pub fn served(self, config: &ServerConfig) -> Served {
        Served(self.routes(config))
    }
}

/// The routes of a listener, to be served. Only a [`Listener`] makes one, so no route is served that is not among [`Listener::ALL`].
pub struct Served(Table);

impl Served {
    /// Makes the routes reachable.
    pub(super) fn register(self, app: &mut ServiceConfig) {
        self.0.register(app);
    }

    /// These as well, to see how the frame takes what no route of ours answers.
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
