//! The pages that people use: sign-in, registration, recovery, account, administration.
//!
//! The rule: a page calls the same use cases as the JSON routes and decides nothing by itself. The server renders it; scripts
//! improve it, and no page needs them. Every text is in [`texts`], every colour in the style sheet.

pub mod access;
pub mod account;
pub mod admin;
mod answer;
pub mod assets;
pub mod colour;
pub mod config;
pub mod confirm_again;
pub mod context;
pub mod cookies;
pub mod fields;
pub mod form;
pub mod layout;
pub mod links;
pub mod login;
pub mod navigation;
pub mod page;
pub mod password;
pub mod policy;
pub mod register;
pub mod render;
pub mod return_to;
pub mod state;
pub mod texts;

pub use access::{SignedInUser, View, WithPermission};
pub use config::PagesConfig;
pub use form::{ForeignForm, Submitted};
pub use page::{Page, page};
pub use policy::PagePolicy;
pub use state::{PagesError, PagesState};

use crate::http::{device::PagesCookie, problem::Problem};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data},
};
use cookies::CookieKind;
use navigation::Navigation;
use std::sync::Arc;

/// The pages of a server.
pub struct Pages {
    pages_state: Arc<PagesState>,
    declared: Vec<Page>,
}

impl Pages {
    /// All pages.
    #[must_use]
    pub fn new(pages_state: Arc<PagesState>) -> Self {
        let declared = declared(&pages_state.config.path);
        Self {
            pages_state,
            declared,
        }
    }

    /// Adds pages.
    #[must_use]
    pub fn with(mut self, pages: impl IntoIterator<Item = Page>) -> Self {
        self.declared.extend(pages);
        self
    }

    /// Registers the pages and the state that they share.
    pub fn register(self, app: &mut web::ServiceConfig) {
        let Self {
            pages_state,
            declared,
        } = self;
        app.app_data(Arc::clone(&pages_state))
            .app_data(Data::clone(&pages_state.assets))
            .app_data(PagesCookie(pages_state.cookies.name(CookieKind::Device)))
            .app_data(Navigation::of(declared.iter().filter_map(Page::entry)));
        for page in declared {
            page.register(app, &pages_state.config.path);
        }
    }
}

/// All pages, as they lie below a path.
#[must_use]
pub fn declared(base: &str) -> Vec<Page> {
    // With a prefix, the front page answers with and without a trailing slash.
    let ends: &[&str] = if base.is_empty() { &["/"] } else { &["", "/"] };
    let mut all: Vec<Page> = ends.iter().map(|end| page(end).anonymous().shows(home)).collect();
    all.extend(login::pages());
    all.extend(register::pages());
    all.extend(password::pages());
    all.extend(links::pages());
    all.extend(confirm_again::pages());
    all.extend(account::pages());
    all.extend(admin::pages());
    all.extend([
        page("/assets/{file}").anonymous().shows(assets::file),
        // Password managers look for the form here (W3C, A Well-Known URL for Changing Passwords).
        page("/.well-known/change-password")
            .at_root()
            .anonymous()
            .shows(change_password),
    ]);
    all
}

async fn change_password(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(render::redirect(
        &PagesState::of(&request)?.at("/account/security"),
    ))
}

/// The front page redirects to the account, which redirects to the sign-in if needed.
async fn home(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(render::redirect(&PagesState::of(&request)?.at("/account")))
}

#[cfg(test)]
mod tests;
