//! What every request meets at the edge, whatever it asks for: the configuration, the counters, whether the server is draining,
//! and the facts that were found out about the request itself.

use crate::http::{config::ServerConfig, metrics::Metrics, request_id::RequestId};
use actix_web::{HttpMessage, HttpRequest, web::Data};
use auth_domain::ids::UserId;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

/// The edge's state, shared by all workers.
pub struct Edge {
    /// What the operator set.
    pub config: ServerConfig,
    /// The counters.
    pub metrics: Metrics,
    draining: AtomicBool,
    unready: AtomicU8,
}

impl Edge {
    /// An edge of this configuration.
    #[must_use]
    pub const fn new(config: ServerConfig, metrics: Metrics) -> Self {
        Self {
            config,
            metrics,
            draining: AtomicBool::new(false),
            unready: AtomicU8::new(0),
        }
    }

    /// The edge that a request came in by.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<&Data<Self>> {
        request.app_data::<Data<Self>>()
    }

    /// Keeps which parts are not ready, a bit each, and answers which were not before.
    pub fn note_unready(&self, parts: u8) -> u8 {
        self.unready.swap(parts, Ordering::AcqRel)
    }

    /// From now on the server is not ready.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the server is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// What is known of a request before its route sees it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Its name.
    pub id: RequestId,
    /// Who sent it.
    pub client: Option<IpAddr>,
}

impl Facts {
    /// The client's address, if it is known.
    #[must_use]
    pub fn client_of(request: &HttpRequest) -> Option<IpAddr> {
        request.extensions().get::<Self>().and_then(|facts| facts.client)
    }
}

/// The user that a request turned out to be of; for the log line.
#[derive(Debug, Clone, Copy)]
pub struct SeenUser(pub UserId);
