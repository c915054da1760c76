//! Forms as browsers send them. The rule: a form counts if it came from one of these pages and was made for this visitor.

use super::{fields::Fields, guest::Guest, site::Site, visit::Visit};
use crate::http::{
    body,
    form::FORM,
    problem::{Code, Problem},
};
use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};
use futures::future::LocalBoxFuture;

/// The field that holds the form's token.
pub const TOKEN: &str = "form";

/// The extractor of a form from somebody who may send it.
pub struct Sent<G> {
    /// Who.
    pub guest: G,
    /// What was filled in.
    pub fields: Fields,
}

impl<G: Guest> FromRequest for Sent<G> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            Site::of(&request)?.check_origin(&request)?;
            if !body::is_of_type(&request, FORM) {
                return Err(Problem::with_detail(
                    Code::UnsupportedMediaType,
                    "Send the form as application/x-www-form-urlencoded.",
                )
                .into());
            }
            let body = body::read(&request, payload).await.map_err(Problem::from)?;
            let fields = Fields::parse(&body)?;
            // Only now: a body may take seconds to arrive, and whoever was signed out meanwhile must not act.
            let visit = Visit::of(&request).await?;
            let guest = G::admit(visit)?;
            if !guest.visit().made(fields.text(TOKEN)) {
                return Err(guest.visit().form_expired());
            }
            Ok(Self { guest, fields })
        })
    }
}
