//! The caller of a use case: from where they call, and when.

use crate::http::{
    device,
    problem::Problem,
    route::argument::{Argument, Unspecified},
    state::RequestInfo,
};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::USER_AGENT, web::Data};
use auth_domain::{audit::Actor, session::Origin};
use auth_service::{Caller, Failure, Service};
use secrecy::SecretString;
use std::future::{Ready, ready};

/// From where a request came.
///
/// The clock is read by [`Call::caller`], once the body has arrived: a body may take seconds, and a time from before it would be stale.
#[derive(Debug)]
pub struct Call {
    origin: Origin,
    request_id: Option<String>,
    device: Option<SecretString>,
}

impl Call {
    /// From where this request came.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        let device = device::presented(request);
        let known = request.extensions();
        let info = known.get::<RequestInfo>();
        Self {
            origin: Origin::new(info.and_then(|info| info.client), user_agent.as_deref()),
            request_id: info.map(|info| info.id.as_str().to_owned()),
            device,
        }
    }

    /// The caller, now, before they have proved who they are.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] while this machine's clock is known to be wrong.
    pub fn caller(self, service: &Service) -> Result<Caller, Failure> {
        Ok(Caller {
            now: service.now()?,
            actor: Actor::Anonymous,
            origin: self.origin,
            request_id: self.request_id,
            evidence: None,
            device: self.device,
        })
    }
}

impl Argument for Call {
    type Access = Unspecified;
    type Body = Unspecified;
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
