//! "May do this" as an argument: a handler that takes a [`May`] of a permission can't be reached without it, whether by an
//! access token or by an API key. That every admin route takes one, `tests/e2e/admin/permissions.rs` walks the table to see.

use crate::http::{
    bearer,
    call::{Call, service_of},
    json::{self, FromMembers},
    problem::{Code, Problem},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use auth_domain::role::Permission;
use auth_service::{Bearer, Caller};
use futures::future::LocalBoxFuture;
use std::marker::PhantomData;

/// A permission as a type.
pub trait Needs: 'static {
    /// Which one.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident)+) => {
        $(
            #[doc = concat!("Needs [`Permission::", stringify!($name), "`].")]
            #[derive(Debug)]
            pub struct $name;

            impl Needs for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+
    };
}

needs!(UsersRead UsersWrite SessionsRead SessionsRevoke AuditRead KeysRead KeysRotate StatsRead);

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
    let caller = Call::of(request).caller(&service)?;
    let caller = match &bearer {
        Bearer::Session(principal) => caller.signed_in(principal),
        Bearer::Key(_) => caller.proved(bearer.actor()),
    };
    Ok(May {
        bearer,
        caller,
        needs: PhantomData,
    })
}

impl<P: Needs> FromRequest for May<P> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { admit(&request).await })
    }
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
