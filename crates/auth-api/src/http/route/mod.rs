//! How a route is declared. The rule: one declaration registers the handler, guards it, and is what the document is written from.
//!
//! ```
//! use actix_web::HttpResponse;
//! use auth_api::http::route::{Route, Tag, get};
//!
//! async fn ping() -> HttpResponse {
//!     HttpResponse::NoContent().finish()
//! }
//!
//! let _: Route = get("/ping").id("ping").summary(Tag::Operation, "Whether it answers").anonymous().gives_nothing(204).to(ping);
//! ```
//!
//! A route that does not say who may call it has no [`Declaration`], so no handler can be given to it:
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::http::route::{Route, Tag, get};
//! # async fn ping() -> HttpResponse {
//! #     HttpResponse::NoContent().finish()
//! # }
//! let _: Route = get("/ping").id("ping").summary(Tag::Operation, "Whether it answers").gives_nothing(204).to(ping);
//! ```
//!
//! Nor does a route that has no entry in the document and does not say so:
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::http::route::{Route, Tag, get};
//! # async fn ping() -> HttpResponse {
//! #     HttpResponse::NoContent().finish()
//! # }
//! let _: Route = get("/ping").anonymous().gives_nothing(204).to(ping);
//! ```
//!
//! A handler whose arguments let in other callers than the route declares does not compile ([`argument`]):
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::http::route::{Route, Tag, get};
//! # async fn ping() -> HttpResponse {
//! #     HttpResponse::NoContent().finish()
//! # }
//! let _: Route = get("/ping").id("ping").summary(Tag::Operation, "Whether it answers").signed_in().gives_nothing(204).to(ping);
//! ```

pub mod access;
pub mod argument;
pub mod operation;
pub mod schema;
pub mod table;

pub use access::Access;
pub use operation::{Answer, ErrorFormat, Link, Operation, Parameter, Tag};
pub use schema::SchemaRef;
pub use table::{HandlerOutput, Route, RoutePattern, Table};

use crate::http::problem::Code;
use access::{Bearer, Client, ClientIfSent, Guard, Holds, RequiredPermission, User, UserIfSent};
use actix_web::{FromRequest, Handler, Responder, http::Method};
use argument::{Arguments, FormBody, JsonBody, OptionalJsonBody, Specified, Unspecified};
use operation::{Body, Content, Entry};
use std::marker::PhantomData;
use utoipa::{ToSchema, openapi::schema::ObjectBuilder};

/// A GET endpoint. It answers HEAD as well (RFC 9110 §9.1).
pub const fn get(path: &'static str) -> Endpoint {
    Endpoint(Method::GET, path)
}

/// A POST endpoint.
pub const fn post(path: &'static str) -> Endpoint {
    Endpoint(Method::POST, path)
}

/// A PATCH endpoint.
pub const fn patch(path: &'static str) -> Endpoint {
    Endpoint(Method::PATCH, path)
}

/// A DELETE endpoint.
pub const fn delete(path: &'static str) -> Endpoint {
    Endpoint(Method::DELETE, path)
}

/// A method and a path.
#[derive(Debug)]
#[must_use]
pub struct Endpoint(Method, &'static str);

impl Endpoint {
    /// The operation id in the document. Generated clients name their functions after it.
    pub fn id(self, id: &'static str) -> Identified {
        Identified(self, id)
    }

    /// The document leaves it out: it is part of another answer, or not for readers of the document.
    pub fn undocumented(self) -> Described {
        self.described(None)
    }

    fn described(self, entry: Option<Entry>) -> Described {
        let Self(method, path) = self;
        Described(Operation {
            method,
            path: path.to_owned(),
            entry,
            access: Access::Anonymous,
            body: None,
            parameters: Vec::new(),
            ignores_unknown_parameters: false,
            answers: Vec::new(),
            headers: Vec::new(),
            links: Vec::new(),
            errors: Vec::new(),
            error_format: ErrorFormat::Problem,
        })
    }
}

/// An endpoint whose operation has an id.
#[derive(Debug)]
#[must_use]
pub struct Identified(Endpoint, &'static str);

impl Identified {
    /// The operation's group, and its summary in one line.
    pub fn summary(self, tag: Tag, summary: &'static str) -> Described {
        let Self(endpoint, id) = self;
        endpoint.described(Some(Entry { id, tag, summary }))
    }
}

/// A route that does not declare yet who may call it.
#[derive(Debug)]
#[must_use]
pub struct Described(Operation);

impl Route {
    /// A route of a page. The document leaves it out, and it ignores unknown query parameters.
    pub(crate) fn of_page<A: Guard, H, Args>(endpoint: Endpoint, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + Arguments<Access = A> + 'static,
        H::Output: Responder + HandlerOutput + 'static,
    {
        let declared = endpoint
            .undocumented()
            .guarded::<A>()
            .ignores_unknown_parameters();
        Self::new(declared.operation, handler)
    }
}

impl Described {
    /// Anybody may call it.
    pub fn anonymous(self) -> Declaration<Unspecified> {
        self.guarded()
    }

    /// A user may call it, with an access token.
    pub fn signed_in(self) -> Declaration<Specified<User>> {
        self.guarded()
    }

    /// Anybody may call it; an access token that is sent must be valid.
    pub fn maybe_signed_in(self) -> Declaration<Specified<UserIfSent>> {
        self.guarded()
    }

    /// A user may call it with an access token, and a script with an API key.
    pub fn bearer(self) -> Declaration<Specified<Bearer>> {
        self.guarded()
    }

    /// A user or a script that holds the permission may call it.
    pub fn holds<P: RequiredPermission>(self) -> Declaration<Specified<Holds<P>>> {
        self.guarded()
    }

    /// A client that authenticates itself may call it (RFC 6749 §2.3.1).
    pub fn client(self) -> Declaration<Specified<Client>> {
        self.guarded()
    }

    /// Anybody may call it; credentials of a client that are sent must be right.
    pub fn maybe_client(self) -> Declaration<Specified<ClientIfSent>> {
        self.guarded()
    }

    fn guarded<A: Guard>(self) -> Declaration<A> {
        let mut operation = self.0;
        operation.access = A::ACCESS;
        Declaration::of(operation)
    }
}

/// The state of a declaration without an answer.
#[derive(Debug)]
pub enum Unanswered {}

/// The state of a declaration with an answer.
#[derive(Debug)]
pub enum Answered {}

/// A route without its handler: who may call it (`A`), the body that it takes (`B`), and whether it declares an answer (`G`).
#[derive(Debug)]
#[must_use]
pub struct Declaration<A, B = Unspecified, G = Unanswered> {
    operation: Operation,
    state: PhantomData<(A, B, G)>,
}

impl<A, B, G> Declaration<A, B, G> {
    fn of(operation: Operation) -> Self {
        Self {
            operation,
            state: PhantomData,
        }
    }

    /// It may answer these errors, beside those that its access, its body and its parameters imply.
    pub fn may_fail(mut self, errors: &[Code]) -> Self {
        self.operation.errors.extend_from_slice(errors);
        self
    }

    /// It reads this parameter. A query parameter that no route of the address declares is refused with 422.
    pub fn with(mut self, parameter: Parameter) -> Self {
        self.operation.parameters.push(parameter);
        self
    }

    /// It ignores unknown query parameters.
    pub fn ignores_unknown_parameters(mut self) -> Self {
        self.operation.ignores_unknown_parameters = true;
        self
    }

    /// On success its answer has this header.
    pub fn gives_header(mut self, (name, description): (&'static str, &'static str)) -> Self {
        self.operation.headers.push((name, description));
        self
    }

    /// The links of its answer on success.
    pub fn leads_to(mut self, links: &'static [Link]) -> Self {
        self.operation.links.push(links);
        self
    }

    fn answers<H>(
        mut self,
        status: u16,
        description: &'static str,
        content: Content,
    ) -> Declaration<A, B, H> {
        self.operation.answers.push(Answer {
            status,
            description,
            content,
        });
        Declaration::of(self.operation)
    }
}

impl<A, G> Declaration<A, Unspecified, G> {
    /// It takes this JSON body.
    pub fn takes<T: ToSchema>(self) -> Declaration<A, Specified<JsonBody<T>>, G> {
        self.body("application/json", SchemaRef::of::<T>(), true)
    }

    /// It takes this JSON body, which is optional.
    pub fn may_take<T: ToSchema>(self) -> Declaration<A, Specified<OptionalJsonBody<T>>, G> {
        self.body("application/json", SchemaRef::of::<T>(), false)
    }

    /// It takes this form.
    pub fn takes_form<T: ToSchema>(self) -> Declaration<A, Specified<FormBody>, G> {
        self.body("application/x-www-form-urlencoded", SchemaRef::of::<T>(), true)
    }

    fn body<B>(
        mut self,
        media_type: &'static str,
        schema: SchemaRef,
        is_required: bool,
    ) -> Declaration<A, B, G> {
        self.operation.body = Some(Body {
            media_type,
            schema,
            is_required,
        });
        Declaration::of(self.operation)
    }
}

impl<A, B> Declaration<A, B, Unanswered> {
    /// On success it answers with this status and this JSON.
    pub fn gives<T: ToSchema>(self, status: u16) -> Declaration<A, B, Answered> {
        self.answers(status, "Done", Content::Json(SchemaRef::of::<T>()))
    }

    /// On success it answers with this status and no body.
    pub fn gives_nothing(self, status: u16) -> Declaration<A, B, Answered> {
        self.gives_status(status, "Done")
    }

    /// On success it answers with this status, which means this, and no body.
    pub fn gives_status(self, status: u16, description: &'static str) -> Declaration<A, B, Answered> {
        self.answers(status, description, Content::Empty)
    }

    /// On success it answers with 200 and content of this media type.
    pub fn gives_media(
        self,
        description: &'static str,
        media_type: &'static str,
        schema: fn() -> ObjectBuilder,
    ) -> Declaration<A, B, Answered> {
        self.answers(200, description, Content::Media(media_type, schema))
    }
}

impl<A: Guard, B> Declaration<A, B, Answered> {
    /// It may answer with this status and this JSON instead.
    pub fn or_gives<T: ToSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers(status, description, Content::Json(SchemaRef::of::<T>()))
    }

    /// The handler. Its arguments have the declared guard and read the declared body, or it does not compile.
    pub fn to<H, Args>(self, handler: H) -> Route
    where
        H: Handler<Args>,
        Args: FromRequest + Arguments<Access = A, Body = B> + 'static,
        H::Output: Responder + HandlerOutput + 'static,
    {
        Route::new(self.operation, handler)
    }
}

#[cfg(test)]
mod tests;
