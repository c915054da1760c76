//! How it is reached: HTTP.
//!
//! The crate's rule: one handler, one screen, one shape: parse → one use case → answer. What a route needs is in its arguments:
//! a handler that takes a [`bearer::SignedIn`] can't be reached without a good token. Every error answer comes of one table
//! ([`problem::Code`]), and everything that holds for all routes happens in one place ([`app`]).

pub mod access_log;
pub mod app;
pub mod bearer;
pub mod body;
pub mod call;
pub mod client_address;
pub mod client_auth;
pub mod config;
pub mod connections;
pub mod cookie;
pub mod cors;
pub mod cursor;
pub mod edge;
pub mod form;
pub mod headers;
pub mod idempotency;
pub mod json;
pub mod metrics;
pub mod oauth_error;
pub mod openapi;
pub mod pages;
pub mod permission;
pub mod problem;
pub mod query;
pub mod request_id;
pub mod routes;
pub mod server;
pub mod unread;
pub mod views;

pub use config::ServerConfig;
pub use pages::{PagesConfig, Site, SiteError};
pub use server::{RunningServer, ServeError, Sockets, serve};
