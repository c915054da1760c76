//! The program that is built from the other crates: its configuration, its wiring and the operator's commands. The binary is a thin
//! shell around [`run`]. Tests start servers in their own process with [`start`].

mod cli;
mod commands;
pub mod config;
mod logging;
pub mod master_key;
mod node;
mod output;
mod schema;
mod start_error;
mod wiring;

pub use cli::{Cli, ImportFormat};
pub use commands::{import, run};
pub use config::{Config, ConfigErrors, LogConfig, LogFormat, Sources};
pub use output::{CommandError, say};
pub use start_error::StartError;
pub use wiring::{Running, install_tls, start};
