//! The harness of the end-to-end tests: servers ready to be called, on every backend, with a clock that a test moves.
//!
//! The rule: a test sends HTTP requests or runs the binary, as a user would. It never creates a state that no user could create. A
//! missing service is a failure, never a silent skip.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness that can't go on ends its test"
)]

mod app;
mod backend;
mod browser;
mod client;
mod clock;
mod fake_clock;
mod mail;
mod openapi;
mod own;
mod process;
mod proxy;
mod smtp;

pub use app::{Builder, TestApp, User};
pub use backend::{Backend, Database, service};
pub use browser::Browser;
pub use client::{Answer, Client};
pub use clock::TestClock;
pub use fake_clock::FakeClock;
pub use mail::Mail;
#[cfg(target_os = "linux")]
pub use own::PostgresCrash;
pub use own::{OwnPostgres, OwnRedis, eventually, free_port, signal};
pub use process::{Output, Server, binary, run, run_of};
pub use proxy::{LinkState, Proxy};
pub use smtp::{MailServer, Received};

/// A password that the policy accepts.
pub const PASSWORD: &str = "correct horse battery staple";

/// Writes each test once and runs it on every backend: on SQLite always, on PostgreSQL and Redis with the feature `services`.
#[macro_export]
macro_rules! on_every_backend {
    ($($(#[$meta:meta])* async fn $name:ident($backend:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn test($backend: $crate::Backend) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                test($crate::Backend::Sqlite).await;
            }

            #[cfg(feature = "services")]
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres_and_redis() {
                test($crate::Backend::Fleet).await;
            }
        }
    )+};
}
