//! The application: a table of routes, and the pages, inside one frame.

pub mod frame;
pub mod routes;
pub mod server;

use crate::{
    http::{edge::Edge, route::Table},
    pages::Pages,
};
use actix_cors::Cors;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Condition, from_fn},
    web::{self, Data},
};

/// The application that serves these routes and pages, to browsers of the origins that CORS lets in.
pub fn application(
    edge: Data<Edge>,
    routes: Table,
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
        .app_data(edge)
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
