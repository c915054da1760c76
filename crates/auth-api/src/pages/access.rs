//! Who may see a page or send a form, as an argument. The rule: a handler that takes a [`SignedInUser`] can't be reached without a
//! sign-in, and one that takes a [`WithPermission`] can't be reached without the permission.

use super::context::PageContext;
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
pub trait PageAccess: Sized + 'static {
    /// Admits the request, or answers it otherwise.
    ///
    /// # Errors
    /// The answer to a request that is not admitted.
    fn admit(context: PageContext) -> Result<Self, Error>;

    /// The context of the page.
    fn context(&self) -> &PageContext;
}

/// The extractor of a page that is shown. `A` says who may see it.
pub struct View<A>(pub A);

impl<A> Argument for View<A> {
    type Access = Specified<A>;
    type Body = Unspecified;
}

impl<A: PageAccess> FromRequest for View<A> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(A::admit(PageContext::of(&request).await?)?)) })
    }
}

impl Guard for Specified<PageContext> {
    const ACCESS: Access = Access::Anonymous;
}

impl PageAccess for PageContext {
    fn admit(context: PageContext) -> Result<Self, Error> {
        Ok(context)
    }

    fn context(&self) -> &PageContext {
        self
    }
}

/// A user who is signed in.
pub struct SignedInUser {
    /// The context of the page.
    pub context: PageContext,
    /// The user's identity.
    pub principal: Principal,
}

impl Guard for Specified<SignedInUser> {
    const ACCESS: Access = Access::User;
}

impl PageAccess for SignedInUser {
    fn admit(context: PageContext) -> Result<Self, Error> {
        match context.principal.clone() {
            Some(principal) => Ok(Self { context, principal }),
            None => Err(context.ask_to_sign_in()),
        }
    }

    fn context(&self) -> &PageContext {
        &self.context
    }
}

/// A signed-in user who holds the permission `P`.
pub struct WithPermission<P> {
    /// The context of the page.
    pub context: PageContext,
    /// The user's identity, as the administrators' use cases take it.
    pub bearer: Bearer,
    needs: PhantomData<P>,
}

impl<P: RequiredPermission> Guard for Specified<WithPermission<P>> {
    const ACCESS: Access = Access::Permission(P::PERMISSION);
}

impl<P: RequiredPermission> PageAccess for WithPermission<P> {
    fn admit(context: PageContext) -> Result<Self, Error> {
        let SignedInUser { context, principal } = SignedInUser::admit(context)?;
        if !context.service.may(&principal, P::PERMISSION) {
            return Err(Problem::from(Code::Forbidden).into());
        }
        Ok(Self {
            context,
            bearer: Bearer::Session(principal),
            needs: PhantomData,
        })
    }

    fn context(&self) -> &PageContext {
        &self.context
    }
}
