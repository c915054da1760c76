//! Who may see a page or send a form, as an argument: a handler that takes a [`Member`] can't be reached without a sign-in, and one
//! that takes a [`Holder`] not without the permission.

use super::visit::Visit;
use crate::http::{
    permission::RequiredPermission,
    problem::{Code, Problem},
    route::{
        access::{Access, Guard},
        argument::{Argument, Specified, Unspecified},
    },
};
use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};
use auth_service::{Bearer, Principal};
use futures::future::LocalBoxFuture;
use std::marker::PhantomData;

/// Who may see a page, or send a form.
pub trait Guest: Sized + 'static {
    /// Lets the visitor in, or sends them elsewhere.
    ///
    /// # Errors
    /// The answer to somebody who is not let in.
    fn admit(visit: Visit) -> Result<Self, Error>;

    /// The visit.
    fn visit(&self) -> &Visit;
}

/// The extractor of somebody who may see a page.
pub struct Seen<G>(pub G);

impl<G> Argument for Seen<G> {
    type Access = Specified<G>;
    type Body = Unspecified;
}

impl<G: Guest> FromRequest for Seen<G> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(G::admit(Visit::of(&request).await?)?)) })
    }
}

impl Guard for Specified<Visit> {
    const ACCESS: Access = Access::Anonymous;
}

impl Guest for Visit {
    fn admit(visit: Visit) -> Result<Self, Error> {
        Ok(visit)
    }

    fn visit(&self) -> &Visit {
        self
    }
}

/// Somebody who is signed in.
pub struct Member {
    /// The visit.
    pub visit: Visit,
    /// Who they are.
    pub principal: Principal,
}

impl Guard for Specified<Member> {
    const ACCESS: Access = Access::User;
}

impl Guest for Member {
    fn admit(visit: Visit) -> Result<Self, Error> {
        match visit.principal.clone() {
            Some(principal) => Ok(Self { visit, principal }),
            None => Err(visit.ask_to_sign_in()),
        }
    }

    fn visit(&self) -> &Visit {
        &self.visit
    }
}

/// Somebody who holds a permission.
pub struct Holder<P> {
    /// The visit.
    pub visit: Visit,
    /// Who they are, as the administrators' use cases take them.
    pub bearer: Bearer,
    needs: PhantomData<P>,
}

impl<P: RequiredPermission> Guard for Specified<Holder<P>> {
    const ACCESS: Access = Access::Permission(P::PERMISSION);
}

impl<P: RequiredPermission> Guest for Holder<P> {
    fn admit(visit: Visit) -> Result<Self, Error> {
        let Member { visit, principal } = Member::admit(visit)?;
        if !visit.service.may(&principal, P::PERMISSION) {
            return Err(Problem::from(Code::Forbidden).into());
        }
        Ok(Self {
            visit,
            bearer: Bearer::Session(principal),
            needs: PhantomData,
        })
    }

    fn visit(&self) -> &Visit {
        &self.visit
    }
}
