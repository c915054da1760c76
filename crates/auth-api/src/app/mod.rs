//! The application: the routes of a listener, and the pages, inside one frame. The rule: every answer passes through the frame.

pub mod frame;
pub mod routes;
pub mod server;

use crate::{app::routes::Served, http::state::HttpState, pages::Pages};
use actix_cors::Cors;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Condition, from_fn},
    web::{self, Data},
};

/// The application that serves these routes and pages. Browsers of the origins that CORS allows may call it.
pub fn application(
    http_state: Data<HttpState>,
    routes: Served,
    pages: Option<Pages>,
    cors: Condition<Cors>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(http_state)
        .configure(|app: &mut web::ServiceConfig| {
            routes.register(app);
            if let Some(pages) = pages {
                pages.register(app);
            }
        })
        .wrap(cors)
        .wrap(from_fn(frame::frame))
}

#[cfg(test)]
mod tests;
