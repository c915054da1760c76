//! The HTTP interface: the JSON routes, OAuth and the pages.
//!
//! The crate's rule: one handler, one screen, one shape: parse → one use case → answer. What a route needs is in its arguments:
//! a handler that takes a [`http::bearer::SignedIn`] can't be reached without a valid token. Every error answer comes from one table
//! ([`http::problem::Code`]), and everything that holds for all routes happens in one place ([`app`]).

pub mod api;
pub mod app;
pub mod http;
pub mod oauth;
pub mod openapi;
pub mod pages;
pub mod views;

pub use app::server::{RunningServer, ServeError, Sockets, serve};
pub use http::{config::ServerConfig, metrics::Metrics};
pub use pages::{PagesConfig, PagesError, PagesState};
