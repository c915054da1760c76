//! The pages that people use: sign in, register, recover, one's own account, administration.
//!
//! The rule: a page calls the same use cases as the JSON routes and decides nothing of its own. It is written here, on the
//! server; a script makes it nicer and is needed for nothing. Every text is in [`texts`], every colour in the style sheet.

pub mod account;
mod address;
pub mod admin;
mod answer;
pub mod assets;
pub mod colour;
pub mod config;
pub mod confirm_again;
pub mod cookies;
pub mod fields;
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
    device::PagesCookie,
    problem::Problem,
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data},
};
use address::page_at;
use cookies::Kept;
use std::sync::Arc;

/// The addresses of the pages.
#[expect(
    clippy::disallowed_methods,
    reason = "pages do not declare themselves as routes do, yet"
)]
pub fn table(table: &mut web::ServiceConfig, site: &Arc<Site>) {
    table
        .app_data(Arc::clone(site))
        .app_data(Data::clone(&site.assets))
        .app_data(PagesCookie(site.cookies.name(Kept::Device)));
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
    Ok(render::go(&Site::of(&request)?.at("/account/security")))
}

/// Whoever comes to the door: to its account, and from there to the sign-in where that is needed.
async fn home(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(render::go(&Site::of(&request)?.at("/account")))
}
