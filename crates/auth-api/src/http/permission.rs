//! "May do this" as an argument: a handler that takes a [`May`] of a permission can't be reached without it, whether by an
//! access token or by an API key. `tests/e2e/routes.rs` walks the registered routes to see that each lets in whom it declares.

pub use super::route::access::{
    AuditRead, KeysRead, KeysRotate, Needs, SessionsRead, SessionsRevoke, StatsRead, UsersRead, UsersWrite,
};

use crate::http::{
    bearer,
    call::{Call, service_of},
    json::{self, FromMembers},
    problem::{Code, Problem},
    route::{
        access::Holds,
        argument::{Argument, JsonBody, Just, Nothing},
    },
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use auth_service::{Bearer, Caller};
use futures::future::LocalBoxFuture;
use std::marker::PhantomData;

/// The extractor of somebody who holds a permission.
pub struct May<P> {
    /// Who.
    pub bearer: Bearer,
    /// When and from where, for the audit log.
    pub caller: Caller,
    needs: PhantomData<P>,
}

/// The same with a JSON body, which is read only for somebody who may.
pub struct MayWith<P, T> {
    /// Who may.
    pub may: May<P>,
    /// The body.
    pub body: T,
}

async fn admit<P: Needs>(request: &HttpRequest) -> Result<May<P>, Problem> {
    let service = service_of(request)?;
    let bearer = bearer::any(request).await?;
    if !service.permits(&bearer, P::PERMISSION) {
        return Err(Problem::with_detail(
            Code::Forbidden,
            format!("This needs the permission {}.", P::PERMISSION.as_str()),
        ));
    }
    let caller = Call::of(request).caller(&service)?.bearing(&bearer);
    Ok(May {
        bearer,
        caller,
        needs: PhantomData,
    })
}

impl<P> Argument for May<P> {
    type Access = Just<Holds<P>>;
    type Body = Nothing;
}

impl<P: Needs> FromRequest for May<P> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { admit(&request).await })
    }
}

impl<P, T> Argument for MayWith<P, T> {
    type Access = Just<Holds<P>>;
    type Body = Just<JsonBody<T>>;
}

impl<P: Needs, T: FromMembers> FromRequest for MayWith<P, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            admit::<P>(&request).await?;
            let body = json::read(&request, payload).await?;
            // Once more: a body may take seconds to arrive.
            let may = admit(&request).await?;
            Ok(Self { may, body })
        })
    }
}
