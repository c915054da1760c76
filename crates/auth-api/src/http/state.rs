//! What all requests share: the configuration, the metrics and whether the server is draining. And what is known of one request
//! before its route sees it.

use crate::http::{config::ServerConfig, metrics::Metrics, request_id::RequestId};
use actix_web::{HttpMessage, HttpRequest, web::Data};
use auth_domain::ids::UserId;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

/// The state that all workers share. App data.
pub struct HttpState {
    /// The configuration of the server.
    pub config: ServerConfig,
    /// The counters.
    pub metrics: Metrics,
    draining: AtomicBool,
    unready: AtomicU8,
}

impl HttpState {
    /// The state of a server that is neither draining nor unready.
    #[must_use]
    pub const fn new(config: ServerConfig, metrics: Metrics) -> Self {
        Self {
            config,
            metrics,
            draining: AtomicBool::new(false),
            unready: AtomicU8::new(0),
        }
    }

    /// The state of the server that received a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<&Data<Self>> {
        request.app_data::<Data<Self>>()
    }

    /// Stores which parts are not ready, a bit each. Returns those that were not ready before.
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
pub struct RequestInfo {
    /// The request id.
    pub id: RequestId,
    /// The client's address, if it is known.
    pub client: Option<IpAddr>,
}

impl RequestInfo {
    /// The address of a request's client, if it is known.
    #[must_use]
    pub fn client_of(request: &HttpRequest) -> Option<IpAddr> {
        request.extensions().get::<Self>().and_then(|info| info.client)
    }
}

/// The user whom a request authenticated as, for its log line.
#[derive(Debug, Clone, Copy)]
pub struct SeenUser(pub UserId);
