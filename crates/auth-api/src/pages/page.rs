//! How a page is declared. The rule: one value says where a page lies, who may see it, who may send its form, what its policy is, and
//! what the navigation calls it.
//!
//! ```
//! use actix_web::HttpResponse;
//! use auth_api::{http::problem::Problem, pages::{SignedInUser, Page, View, page}};
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
//! # use auth_api::{http::problem::Problem, pages::{SignedInUser, Page, View, page}};
//! # async fn show(_: View<SignedInUser>) -> Result<HttpResponse, Problem> {
//! #     Ok(HttpResponse::NoContent().finish())
//! # }
//! let _: Page = page("/account/pets").shows(show);
//! ```
//!
//! A handler that lets other people in than the page declares is refused:
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::{http::{permission::UsersRead, problem::Problem}, pages::{SignedInUser, Page, View, page}};
//! # async fn show(_: View<SignedInUser>) -> Result<HttpResponse, Problem> {
//! #     Ok(HttpResponse::NoContent().finish())
//! # }
//! let _: Page = page("/admin/pets").holds::<UsersRead>().shows(show);
//! ```
//!
//! So is one that takes no form, where one is sent:
//!
//! ```compile_fail
//! # use actix_web::HttpResponse;
//! # use auth_api::{http::problem::Problem, pages::{SignedInUser, Page, View, page}};
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

/// A page: its address, and who sees and sends what there.
#[must_use]
pub struct Page {
    path: &'static str,
    at_root: bool,
    label: Option<Label>,
    policy: PagePolicy,
    routes: Vec<Route>,
}

impl Page {
    /// It lies at the root, wherever the other pages are.
    pub const fn at_root(mut self) -> Self {
        self.at_root = true;
        self
    }

    /// The navigation names it, to those who may see it.
    pub const fn named(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    /// Its policy, where that is not [`PagePolicy::STRICT`].
    pub const fn policy(mut self, policy: PagePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Everybody may see what comes next, or send it; and is not asked who they are.
    pub const fn anonymous(self) -> Guarded<Unspecified> {
        Guarded(self, PhantomData)
    }

    /// Everybody may, signed in or not.
    pub const fn anyone(self) -> Guarded<Specified<PageContext>> {
        Guarded(self, PhantomData)
    }

    /// A user who is signed in may.
    pub const fn signed_in(self) -> Guarded<Specified<SignedInUser>> {
        Guarded(self, PhantomData)
    }

    /// A user who holds a permission may.
    pub const fn holds<P: RequiredPermission>(self) -> Guarded<Specified<WithPermission<P>>> {
        Guarded(self, PhantomData)
    }

    /// Its path, below `pages.path` unless it lies at the root.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Whether it lies at the root.
    #[must_use]
    pub const fn is_at_root(&self) -> bool {
        self.at_root
    }

    /// What it declares of who may do what.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.routes.iter().map(Route::operation)
    }

    /// How the navigation names it.
    #[must_use]
    pub(super) fn entry(&self) -> Option<Entry> {
        let shown = self.operations().find(|operation| operation.method() == "GET")?;
        Some(Entry {
            place: self.path,
            label: self.label?,
            access: shown.access(),
        })
    }

    /// Makes it reachable.
    pub(super) fn register(self, app: &mut web::ServiceConfig, base: &str) {
        let (base, policy) = (if self.at_root { "" } else { base }, self.policy);
        let table = Table::new().below(base, self.routes);
        table.register_with(app, |address| address.app_data(policy));
    }
}

/// A page, and who may see or send what is named next (`A`).
#[must_use]
pub struct Guarded<A>(Page, PhantomData<A>);

impl<A: Guard> Guarded<A> {
    /// What is shown there.
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

    /// What becomes of the form that is sent there.
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
