//! `/admin`: what administrators see and do. The rule: each page and each form names the one permission that it needs, as the JSON
//! route of the same use case does; what a page shows beside that, it shows to those who may see it.

pub mod audit;
pub mod chart;
pub mod keys;
pub mod overview;
pub mod user;
pub mod user_changes;
pub mod users;

use super::{address::page_at, site::Site};
use crate::http::address::read;
use actix_web::web;

/// The addresses.
#[expect(
    clippy::disallowed_methods,
    reason = "pages do not declare themselves as routes do, yet"
)]
pub fn table(table: &mut web::ServiceConfig, site: &Site) {
    let at = |path: &str, allow: &'static str| page_at(site, path, allow);
    let post = |path: &str| at(path, "POST");
    table
        .service(at("/admin", "GET, HEAD").route(read().to(overview::show)))
        .service(
            at("/admin/users", "GET, HEAD, POST")
                .route(read().to(users::show))
                .route(web::post().to(users::invite)),
        )
        .service(
            at("/admin/users/{id}", "GET, HEAD, POST")
                .route(read().to(user::show))
                .route(web::post().to(user_changes::change)),
        )
        .service(post("/admin/users/{id}/reset").route(web::post().to(user_changes::send_reset)))
        .service(post("/admin/users/{id}/lock-out").route(web::post().to(user_changes::lock_out)))
        .service(post("/admin/users/{id}/delete").route(web::post().to(user_changes::delete)))
        .service(post("/admin/users/{id}/sessions/end").route(web::post().to(user_changes::end_sessions)))
        .service(
            post("/admin/users/{id}/sessions/{session}/end").route(web::post().to(user_changes::end_session)),
        )
        .service(post("/admin/users/{id}/keys/{key}/revoke").route(web::post().to(user_changes::revoke_key)))
        .service(at("/admin/audit", "GET, HEAD").route(read().to(audit::show)))
        .service(post("/admin/audit/verify").route(web::post().to(audit::verify)))
        .service(
            at("/admin/keys", "GET, HEAD, POST")
                .route(read().to(keys::show))
                .route(web::post().to(keys::rotate)),
        );
}
