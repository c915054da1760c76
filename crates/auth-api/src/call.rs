//! Who calls and when: what use cases that open sessions are told.

use crate::{edge::Facts, problem::Problem};
use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::USER_AGENT, web::Data};
use auth_domain::{session::Origin, time::Timestamp};
use auth_service::{Caller, Service};
use std::future::{Ready, ready};

/// The extractor of where a request came from.
///
/// The clock is read by [`Call::caller`], once, when the body is there: a body may take seconds to arrive, and a moment from
/// before it would be a stale one.
#[derive(Debug)]
pub struct Call(Origin);

impl Call {
    /// The caller, now.
    #[must_use]
    pub fn caller(self, service: &Service) -> Caller {
        Caller {
            now: service.clock().now(),
            origin: self.0,
        }
    }
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        ready(Ok(Self(Origin::new(
            Facts::client_of(request),
            user_agent.as_deref(),
        ))))
    }
}

/// The service that the app was built with.
///
/// # Errors
/// An internal error if it was built without one.
pub fn service_of(request: &HttpRequest) -> Result<Data<Service>, Problem> {
    request
        .app_data::<Data<Service>>()
        .cloned()
        .ok_or_else(|| Problem::internal("the app has no service"))
}

/// The moment of the service's clock.
#[must_use]
pub fn now(service: &Service) -> Timestamp {
    service.clock().now()
}
