//! Forms as browsers send them. The rule: a form is accepted only if it came from one of these pages and its token was created for
//! this browser and session.

use super::{
    access::PageAccess, context::PageContext, fields::Fields, policy::PagePolicy, state::PagesState,
};
use crate::http::{
    body,
    form::FORM,
    problem::{Code, Problem},
    route::argument::{Argument, FormBody, Specified, Unspecified},
};
use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};
use futures::future::LocalBoxFuture;

/// The field that holds the form's token.
pub const TOKEN: &str = "form";

/// The extractor of a submitted form. `A` says who may send it.
pub struct Submitted<A> {
    /// The user who sent it, or the context of the page if it is for everyone.
    pub access: A,
    /// The submitted fields.
    pub fields: Fields,
}

impl<A> Argument for Submitted<A> {
    type Access = Specified<A>;
    type Body = Specified<FormBody>;
}

impl<A: PageAccess> FromRequest for Submitted<A> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            PagesState::of(&request)?.check_origin(&request)?;
            let fields = fields(&request, payload).await?;
            // The user is authenticated only now: a body may take seconds to arrive, and a user who was signed out meanwhile must
            // not act.
            let context = PageContext::of(&request).await?;
            let access = A::admit(context)?;
            if !access.context().is_valid_form_token(fields.text(TOKEN)) {
                return Err(access.context().form_expired());
            }
            Ok(Self { access, fields })
        })
    }
}

/// The extractor of a form that carries no token of ours, because another site wrote it. The page declares that it takes one
/// ([`super::policy::PagePolicy::cross_site_post`]). Its content proves nothing, and the browser sends no cookie with it: the
/// handler stores the fields and redirects the browser to a GET, with which it sends its cookies again.
pub struct ForeignForm(pub Fields);

impl Argument for ForeignForm {
    type Access = Unspecified;
    type Body = Specified<FormBody>;
}

impl FromRequest for ForeignForm {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !PagePolicy::of(&request).cross_site_post {
                PagesState::of(&request)?.check_origin(&request)?;
            }
            Ok(Self(fields(&request, payload).await?))
        })
    }
}

/// The fields of a form.
async fn fields(request: &HttpRequest, payload: Payload) -> Result<Fields, Problem> {
    if !body::is_of_type(request, FORM) {
        return Err(Problem::with_detail(
            Code::UnsupportedMediaType,
            "Send the form as application/x-www-form-urlencoded.",
        ));
    }
    Fields::parse(&body::read(request, payload).await?)
}
