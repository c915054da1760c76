//! A permission as an argument: a handler that takes an [`Authorized`] of a permission can't be reached without it, whether by an
//! access token or by an API key. `tests/e2e/routes.rs` walks the registered routes and checks that each lets in whom it declares.

pub use super::route::access::{
    AuditRead, KeysRead, KeysRotate, RequiredPermission, SessionsRead, SessionsRevoke, StatsRead, UsersRead,
    UsersWrite,
};

use crate::http::{
    bearer::{Admitted, AnyBearer, admitted_argument},
    call::{Call, service_of},
    problem::{Code, Problem},
    route::{
        access::Holds,
        argument::{Argument, Specified, Unspecified},
    },
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use auth_service::{Bearer, Caller};
use futures::future::LocalBoxFuture;
use std::marker::PhantomData;

/// A caller who holds the permission `P`.
pub struct Authorized<P> {
    /// The user or the API key.
    pub bearer: Bearer,
    /// When and from where they call, for the audit log.
    pub caller: Caller,
    permission: PhantomData<P>,
}

admitted_argument!(Authorized<P>, Holds<P>, P: RequiredPermission);

impl<P: RequiredPermission> Admitted for Authorized<P> {
    async fn admit(request: &HttpRequest) -> Result<Self, Problem> {
        let service = service_of(request)?;
        let AnyBearer(bearer) = AnyBearer::admit(request).await?;
        if !service.bearer_may(&bearer, P::PERMISSION) {
            return Err(Problem::with_detail(
                Code::Forbidden,
                format!("This needs the permission {}.", P::PERMISSION.as_str()),
            ));
        }
        let caller = Call::of(request).caller(&service)?.bearing(&bearer);
        Ok(Self {
            bearer,
            caller,
            permission: PhantomData,
        })
    }
}
