//! Who calls and when: what use cases that change something are told.

use crate::{
    http::{
        cookie,
        edge::{Edge, Facts},
        problem::Problem,
    },
    pages::cookies::Kept,
};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::USER_AGENT, web::Data};
use auth_domain::{audit::Actor, session::Origin};
use auth_service::{Caller, Error, Service};
use secrecy::SecretString;
use std::future::{Ready, ready};

/// The header in which a client without cookies shows its device token, and gets it.
pub const X_DEVICE_TOKEN: &str = "x-device-token";
/// The cookie that holds it in browsers: bound to this host, and out of reach for scripts.
pub const DEVICE_COOKIE: &str = "__Host-kw_device";

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
        let device = device_token(request);
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
    /// [`Error::Unavailable`] while this machine's clock is known to be wrong.
    pub fn caller(self, service: &Service) -> Result<Caller, Error> {
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

fn device_token(request: &HttpRequest) -> Option<SecretString> {
    if let Some(header) = request.headers().get(X_DEVICE_TOKEN) {
        return header.to_str().ok().map(SecretString::from);
    }
    // Over plain HTTP the pages keep it under a name without the prefix.
    let of_pages = || Edge::of(request)?.site()?.cookies.shown(request, Kept::Device);
    cookie::shown(request, DEVICE_COOKIE)
        .or_else(of_pages)
        .map(SecretString::from)
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
