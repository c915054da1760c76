//! How a page is declared. The rule: one value says where a page lies, who may see it, who may send its form, what its policy is,
//! and what its label in the navigation is.
//!
//! ```
//! use actix_web::HttpResponse;
//! use auth_api::{http::problem::Problem, pages::{Page, SignedInUser, View, page}};
//!
//! async fn show(_: View<SignedInUser>) -> Result<HttpResponse, Problem> {
//!     Ok(HttpResponse::NoContent().finish())
//! }
//!
//! let _: Page = page("/account/pets").signed_in().shows(show);
//! ```
//!
//! A page that does not say who may see it has no handler:
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::{http::problem::Problem, pages::{Page, SignedInUser, View, page}};
//! # async fn show(_: View<SignedInUser>) -> Result<HttpResponse, Problem> {
//! #     Ok(HttpResponse::NoContent().finish())
//! # }
//! let _: Page = page("/account/pets").shows(show);
//! ```
//!
//! A handler that admits other users than the page declares is refused:
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::{http::{permission::UsersRead, problem::Problem}, pages::{Page, SignedInUser, View, page}};
//! # async fn show(_: View<SignedInUser>) -> Result<HttpResponse, Problem> {
//! #     Ok(HttpResponse::NoContent().finish())
//! # }
//! let _: Page = page("/admin/pets").holds::<UsersRead>().shows(show);
//! ```
//!
//! A handler that takes no form is refused where a form is sent:
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::{http::problem::Problem, pages::{Page, SignedInUser, View, page}};
//! # async fn show(_: View<SignedInUser>) -> Result<HttpResponse, Problem> {
//! #     Ok(HttpResponse::NoContent().finish())
//! # }
//! let _: Page = page("/account/pets").signed_in().takes(show);
//! ```

use super::{
    access::{SignedInUser, WithPermission},
    context::PageContext,
    navigation::{Entry, Label},
    policy::PagePolicy,
};
use crate::http::{
    permission::RequiredPermission,
    problem::Problem,
    route::{
        Operation, Route, Table,
        access::Guard,
        argument::{Arguments, FormBody, Specified, Unspecified},
        get, post,
    },
};
use actix_web::{FromRequest, Handler, HttpResponse, web};
use std::marker::PhantomData;

/// A page at a path below `pages.path`.
pub const fn page(path: &'static str) -> Page {
    Page {
        path,
        at_root: false,
        label: None,
        policy: PagePolicy::STRICT,
        routes: Vec::new(),
    }
}

/// A page: its path, who may see it, and who may send its form.
#[must_use]
pub struct Page {
    path: &'static str,
    at_root: bool,
    label: Option<Label>,
    policy: PagePolicy,
    routes: Vec<Route>,
}

impl Page {
    /// Puts the page at the root, wherever the other pages are.
    pub const fn at_root(mut self) -> Self {
        self.at_root = true;
        self
    }

    /// Gives the page a label in the navigation, for users who may see it.
    pub const fn named(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    /// Sets a policy other than [`PagePolicy::STRICT`].
    pub const fn policy(mut self, policy: PagePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Everyone may use the next handler, which does not authenticate the user.
    pub const fn anonymous(self) -> Guarded<Unspecified> {
        Guarded(self, PhantomData)
    }

    /// Everyone may use the next handler, signed in or not.
    pub const fn anyone(self) -> Guarded<Specified<PageContext>> {
        Guarded(self, PhantomData)
    }

    /// Signed-in users may use the next handler.
    pub const fn signed_in(self) -> Guarded<Specified<SignedInUser>> {
        Guarded(self, PhantomData)
    }

    /// Users who hold the permission may use the next handler.
    pub const fn holds<P: RequiredPermission>(self) -> Guarded<Specified<WithPermission<P>>> {
        Guarded(self, PhantomData)
    }

    /// The page's path, below `pages.path` unless the page lies at the root.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Whether the page lies at the root.
    #[must_use]
    pub const fn is_at_root(&self) -> bool {
        self.at_root
    }

    /// The operations that the page declares: its methods, and who may use them.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.routes.iter().map(Route::operation)
    }

    /// The page's entry in the navigation.
    #[must_use]
    pub(super) fn entry(&self) -> Option<Entry> {
        let shown = self.operations().find(|operation| operation.method() == "GET")?;
        Some(Entry {
            place: self.path,
            label: self.label?,
            access: shown.access(),
        })
    }

    /// Registers the page with the application.
    pub(super) fn register(self, app: &mut web::ServiceConfig, base: &str) {
        let (base, policy) = (if self.at_root { "" } else { base }, self.policy);
        let table = Table::new().below(base, self.routes);
        table.register_with(app, |address| address.app_data(policy));
    }
}

/// A page, and who may use the handler that is declared next (`A`).
#[must_use]
pub struct Guarded<A>(Page, PhantomData<A>);

impl<A: Guard> Guarded<A> {
    /// Declares the handler that shows the page.
    pub fn shows<H, Args>(self, handler: H) -> Page
    where
        H: Handler<Args, Output = Result<HttpResponse, Problem>>,
        Args: FromRequest + Arguments<Access = A, Body = Unspecified> + 'static,
    {
        let Self(mut page, _) = self;
        page.routes
            .push(Route::of_page::<A, _, _>(get(page.path), handler));
        page
    }

    /// Declares the handler of the page's form.
    pub fn takes<H, Args>(self, handler: H) -> Page
    where
        H: Handler<Args, Output = Result<HttpResponse, Problem>>,
        Args: FromRequest + Arguments<Access = A, Body = Specified<FormBody>> + 'static,
    {
        let Self(mut page, _) = self;
        page.routes
            .push(Route::of_page::<A, _, _>(post(page.path), handler));
        page
    }
}
