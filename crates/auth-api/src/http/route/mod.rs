//! How a route is declared. The rule: one value says what a route is, registers its handler, guards it, and is what the document says.
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
//! Nor does one that the document would know nothing of:
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
//! A handler whose arguments let other callers in than the route declares is refused ([`argument`]):
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
pub use operation::{Answer, Failures, Link, Operation, Parameter, Tag};
pub use schema::Shape;
pub use table::{Outcome, Pattern, Route, Table};

use crate::http::problem::Code;
use access::{Bearer, Client, ClientIfSent, Guard, Holds, Needs, User, UserIfSent};
use actix_web::{FromRequest, Handler, Responder, http::Method};
use argument::{Arguments, FormBody, JsonBody, Just, Nothing, OptionalJsonBody};
use operation::{Body, Content, Entry};
use std::marker::PhantomData;
use utoipa::{ToSchema, openapi::schema::ObjectBuilder};

/// A route of GET, and of HEAD with it (RFC 9110 §9.1).
pub const fn get(path: &'static str) -> Address {
    Address(Method::GET, path)
}

/// A route of POST.
pub const fn post(path: &'static str) -> Address {
    Address(Method::POST, path)
}

/// A route of PATCH.
pub const fn patch(path: &'static str) -> Address {
    Address(Method::PATCH, path)
}

/// A route of DELETE.
pub const fn delete(path: &'static str) -> Address {
    Address(Method::DELETE, path)
}

/// A method and a path.
#[derive(Debug)]
#[must_use]
pub struct Address(Method, &'static str);

impl Address {
    /// The id of its operation in the document. Generated clients name their functions after it.
    pub fn id(self, id: &'static str) -> Identified {
        Identified(self, id)
    }

    /// The document leaves it out: it is a part of another answer, or not for those who read the document.
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
            any_query: false,
            answers: Vec::new(),
            headers: Vec::new(),
            links: Vec::new(),
            errors: Vec::new(),
            failures: Failures::Problems,
        })
    }
}

/// An address whose operation has an id.
#[derive(Debug)]
#[must_use]
pub struct Identified(Address, &'static str);

impl Identified {
    /// Its group, and one line for people.
    pub fn summary(self, tag: Tag, summary: &'static str) -> Described {
        let Self(address, id) = self;
        address.described(Some(Entry { id, tag, summary }))
    }
}

/// A route that does not say yet who may call it.
#[derive(Debug)]
#[must_use]
pub struct Described(Operation);

impl Route {
    /// What an address of the pages does. The document leaves it out, and it passes over parameters that it does not know.
    pub(crate) fn of_page<A: Guard, H, Args>(address: Address, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + Arguments<Access = A> + 'static,
        H::Output: Responder + Outcome + 'static,
    {
        let declared = address.undocumented().guarded::<A>().takes_any_query();
        Self::new(declared.operation, handler)
    }
}

impl Described {
    /// Everybody may call it.
    pub fn anonymous(self) -> Declaration<Nothing> {
        self.guarded()
    }

    /// A user with an access token may.
    pub fn signed_in(self) -> Declaration<Just<User>> {
        self.guarded()
    }

    /// Everybody may; an access token that is sent must be good.
    pub fn maybe_signed_in(self) -> Declaration<Just<UserIfSent>> {
        self.guarded()
    }

    /// A user with an access token may, and a script with an API key.
    pub fn bearer(self) -> Declaration<Just<Bearer>> {
        self.guarded()
    }

    /// A user or a script that holds a permission may.
    pub fn holds<P: Needs>(self) -> Declaration<Just<Holds<P>>> {
        self.guarded()
    }

    /// A machine client may.
    pub fn client(self) -> Declaration<Just<Client>> {
        self.guarded()
    }

    /// Everybody may; a client that tries to prove itself must succeed.
    pub fn maybe_client(self) -> Declaration<Just<ClientIfSent>> {
        self.guarded()
    }

    fn guarded<A: Guard>(self) -> Declaration<A> {
        let mut operation = self.0;
        operation.access = A::ACCESS;
        Declaration::of(operation)
    }
}

/// A declaration that has no answer yet.
#[derive(Debug)]
pub enum Unanswered {}

/// A declaration that has one.
#[derive(Debug)]
pub enum Answered {}

/// A route without its handler: who may call it (`A`), the body that it takes (`B`), and whether it says what it gives (`G`).
#[derive(Debug)]
#[must_use]
pub struct Declaration<A, B = Nothing, G = Unanswered> {
    operation: Operation,
    says: PhantomData<(A, B, G)>,
}

impl<A, B, G> Declaration<A, B, G> {
    fn of(operation: Operation) -> Self {
        Self {
            operation,
            says: PhantomData,
        }
    }

    /// It may fail for these reasons, beside those that its access, its body and its parameters bring along.
    pub fn may_fail(mut self, errors: &[Code]) -> Self {
        self.operation.errors.extend_from_slice(errors);
        self
    }

    /// It reads this parameter. A query parameter that no route of the address declares is refused with 422.
    pub fn with(mut self, parameter: Parameter) -> Self {
        self.operation.parameters.push(parameter);
        self
    }

    /// It passes over query parameters that it does not know.
    pub fn takes_any_query(mut self) -> Self {
        self.operation.any_query = true;
        self
    }

    /// Its good answer has this header.
    pub fn gives_header(mut self, (name, says): (&'static str, &'static str)) -> Self {
        self.operation.headers.push((name, says));
        self
    }

    /// What can be done with its good answer.
    pub fn leads_to(mut self, links: &'static [Link]) -> Self {
        self.operation.links.push(links);
        self
    }

    fn answers<H>(mut self, status: u16, says: &'static str, content: Content) -> Declaration<A, B, H> {
        self.operation.answers.push(Answer {
            status,
            says,
            content,
        });
        Declaration::of(self.operation)
    }
}

impl<A, G> Declaration<A, Nothing, G> {
    /// It takes this JSON body.
    pub fn takes<T: ToSchema>(self) -> Declaration<A, Just<JsonBody<T>>, G> {
        self.body("application/json", Shape::of::<T>(), true)
    }

    /// It takes this JSON body, which may be left out.
    pub fn may_take<T: ToSchema>(self) -> Declaration<A, Just<OptionalJsonBody<T>>, G> {
        self.body("application/json", Shape::of::<T>(), false)
    }

    /// It takes this form.
    pub fn takes_form<T: ToSchema>(self) -> Declaration<A, Just<FormBody>, G> {
        self.body("application/x-www-form-urlencoded", Shape::of::<T>(), true)
    }

    fn body<B>(mut self, media_type: &'static str, shape: Shape, is_required: bool) -> Declaration<A, B, G> {
        self.operation.body = Some(Body {
            media_type,
            shape,
            is_required,
        });
        Declaration::of(self.operation)
    }
}

impl<A, B> Declaration<A, B, Unanswered> {
    /// When it has done what was asked, it answers with this status and this JSON.
    pub fn gives<T: ToSchema>(self, status: u16) -> Declaration<A, B, Answered> {
        self.answers(status, "Done", Content::Json(Shape::of::<T>()))
    }

    /// When it has done what was asked, it answers with this status and no body.
    pub fn gives_nothing(self, status: u16) -> Declaration<A, B, Answered> {
        self.gives_nothing_but(status, "Done")
    }

    /// The same, where the status alone says this.
    pub fn gives_nothing_but(self, status: u16, says: &'static str) -> Declaration<A, B, Answered> {
        self.answers(status, says, Content::Nothing)
    }

    /// It answers with 200 and a body of this media type.
    pub fn gives_other(
        self,
        says: &'static str,
        media_type: &'static str,
        schema: fn() -> ObjectBuilder,
    ) -> Declaration<A, B, Answered> {
        self.answers(200, says, Content::Other(media_type, schema))
    }
}

impl<A: Guard, B> Declaration<A, B, Answered> {
    /// It may answer with this status and this JSON instead.
    pub fn or_gives<T: ToSchema>(self, status: u16, says: &'static str) -> Self {
        self.answers(status, says, Content::Json(Shape::of::<T>()))
    }

    /// The handler. Its arguments ask for the declared access and read the declared body, or it does not compile.
    pub fn to<H, Args>(self, handler: H) -> Route
    where
        H: Handler<Args>,
        Args: FromRequest + Arguments<Access = A, Body = B> + 'static,
        H::Output: Responder + Outcome + 'static,
    {
        Route::new(self.operation, handler)
    }
}

#[cfg(test)]
mod tests;
