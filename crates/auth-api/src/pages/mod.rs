//! The pages that people use: sign in, register, recover, one's own account, administration.
//!
//! The rule: a page calls the same use cases as the JSON routes and decides nothing of its own. It is written here, on the
//! server; a script makes it nicer and is needed for nothing. Every text is in [`texts`], every colour in the style sheet.

pub mod account;
pub mod admin;
pub mod assets;
pub mod colour;
pub mod config;
pub mod confirm_again;
pub mod cookies;
pub mod form;
pub mod guest;
pub mod layout;
pub mod links;
pub mod login;
pub mod password;
pub mod register;
pub mod render;
pub mod return_to;
pub mod site;
pub mod texts;
pub mod visit;

pub use config::PagesConfig;
pub use site::{Site, SiteError};

use crate::http::{
    address::{read, resource},
    edge::Edge,
    problem::{Code, Problem},
};
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use std::sync::Arc;

/// What the paths of pages begin with, below `pages.path`.
pub const PLACES: [&str; 12] = [
    "login",
    "logout",
    "register",
    "forgot",
    "reset",
    "verify-email",
    "not-me",
    "setup",
    "account",
    "admin",
    "password-hint",
    "assets",
];

/// The pages that a request came to.
///
/// # Errors
/// 404 where none are served.
pub fn site_of(request: &HttpRequest) -> Result<Arc<Site>, Problem> {
    let site = Edge::of(request).and_then(|edge| edge.site().cloned());
    site.ok_or_else(|| Code::NotFound.into())
}

/// The addresses of the pages.
pub fn table(table: &mut web::ServiceConfig, site: &Site) {
    let at = |path: &str, allow: &'static str| page_at(site, path, allow);
    let both = "GET, HEAD, POST";
    table
        .service(
            at("/login", both)
                .route(read().to(login::show))
                .route(web::post().to(login::submit)),
        )
        .service(
            at("/logout", both)
                .route(read().to(login::ask))
                .route(web::post().to(login::logout)),
        )
        .service(
            at("/register", both)
                .route(read().to(register::show))
                .route(web::post().to(register::submit)),
        )
        .service(
            at("/setup", both)
                .route(read().to(register::show_setup))
                .route(web::post().to(register::submit_setup)),
        )
        .service(
            at("/forgot", both)
                .route(read().to(password::show_forgot))
                .route(web::post().to(password::submit_forgot)),
        )
        .service(
            at("/reset", both)
                .route(read().to(password::show_reset))
                .route(web::post().to(password::submit_reset)),
        )
        .service(
            at("/verify-email", both)
                .route(read().to(links::show_verify))
                .route(web::post().to(links::submit_verify)),
        )
        .service(
            at("/verify-email/again", both)
                .route(read().to(confirm_again::show))
                .route(web::post().to(confirm_again::submit)),
        )
        .service(
            at("/not-me", both)
                .route(read().to(links::show_not_me))
                .route(web::post().to(links::submit_not_me)),
        )
        .service(at("/password-hint", "POST").route(web::post().to(password::judge)))
        .service(at("/assets/{file}", "GET, HEAD").route(read().to(assets::file)));
    account::table(table, site);
    admin::table(table, site);
    // With a path of their own, the pages are found with and without a slash behind it.
    let own = site.config.path.as_str();
    for root in [own.to_owned(), format!("{own}/")]
        .iter()
        .filter(|root| !root.is_empty())
    {
        table.service(resource(root, "GET, HEAD").route(read().to(home)));
    }
    table.service(resource(CHANGE_PASSWORD, "GET, HEAD").route(read().to(change_password)));
}

/// Where password managers look for the form (W3C, A Well-Known URL for Changing Passwords).
const CHANGE_PASSWORD: &str = "/.well-known/change-password";

async fn change_password(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(render::go(&site_of(&request)?.at("/account/security")))
}

/// A page's address. What a page is told by is its path, so no page may lie elsewhere.
fn page_at(site: &Site, path: &str, allow: &'static str) -> Resource {
    let path = site.at(path);
    debug_assert!(site.covers(&path), "{path} is not in PLACES");
    resource(&path, allow)
}

/// Whoever comes to the door: to its account, and from there to the sign-in where that is needed.
async fn home(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(render::go(&site_of(&request)?.at("/account")))
}
