//! Who calls and when: what use cases that change something are told.

use crate::http::{
    device,
    edge::Facts,
    problem::Problem,
    route::argument::{Argument, Nothing},
};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::USER_AGENT, web::Data};
use auth_domain::{audit::Actor, session::Origin};
use auth_service::{Caller, Failure, Service};
use secrecy::SecretString;
use std::future::{Ready, ready};

/// The extractor of where a request came from.
///
/// The clock is read by [`Call::caller`], once, when the body is there: a body may take seconds to arrive, and a moment from
/// before it would be a stale one.
#[derive(Debug)]
pub struct Call {
    origin: Origin,
    request_id: Option<String>,
    device: Option<SecretString>,
}

impl Call {
    /// What is known of a request's sender.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        let device = device::shown(request);
        let known = request.extensions();
        let facts = known.get::<Facts>();
        Self {
            origin: Origin::new(facts.and_then(|facts| facts.client), user_agent.as_deref()),
            request_id: facts.map(|facts| facts.id.as_str().to_owned()),
            device,
        }
    }

    /// The caller, now, who has proved nothing yet.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] while this machine's clock is known to be wrong.
    pub fn caller(self, service: &Service) -> Result<Caller, Failure> {
        Ok(Caller {
            now: service.moment()?,
            actor: Actor::Anonymous,
            origin: self.origin,
            request_id: self.request_id,
            held: None,
            device: self.device,
        })
    }
}

impl Argument for Call {
    type Access = Nothing;
    type Body = Nothing;
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
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
