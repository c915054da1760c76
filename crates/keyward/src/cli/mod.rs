//! The command line, as a tree of types. The rule: a password is never an argument, because other users of the machine can read
//! arguments.

mod api_key;
mod audit;
mod mail;
mod session;
mod timestamp;
mod user;

pub(crate) use api_key::ApiKey;
pub(crate) use audit::{Audit, SealName, WantedEvents};
pub(crate) use mail::Mail;
pub(crate) use session::{Session, SessionStatus};
pub(crate) use timestamp::parse_timestamp;
pub use user::ImportFormat;
pub(crate) use user::{CreateUser, ImportUsers, ListUsers, PasswordSource, User};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

use crate::config::Sources;

/// An authentication server: sign-in, rotating refresh tokens, and sessions that end at once when they are ended.
#[derive(Debug, Parser)]
#[command(
    name = "keyward",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.")]
pub struct Cli {
    /// Read this configuration file instead of config/keyward.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Keep the embedded database and the master key in this directory.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The sources of the configuration of this call.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::of_process();
        sources.file.clone_from(&self.config);
        if let Some(dir) = &self.data_dir {
            sources
                .options
                .push(("--data-dir", "data.dir", dir.display().to_string()));
        }
        if let Command::Serve { bind: Some(bind) } = &self.command {
            sources.options.push(("--bind", "server.bind", bind.clone()));
        }
        sources
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve HTTP until SIGTERM or SIGINT.
    Serve {
        /// Listen on this address; port 0 picks a free port.
        #[arg(long, value_name = "ADDR:PORT")]
        bind: Option<String>,
    },
    /// Change the schema of the database, or show its state.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Create, change, lock out, import and delete users.
    #[command(subcommand)]
    User(User),
    /// Show the next step of an upgrade.
    #[command(subcommand)]
    Upgrade(Upgrade),
    /// Show and end users' sessions.
    #[command(subcommand)]
    Session(Session),
    /// Show and revoke users' API keys.
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Read the audit log, and verify that it was not changed.
    #[command(subcommand)]
    Audit(Audit),
    /// Show which emails are queued or were given up, and try them again.
    #[command(subcommand)]
    Mail(Mail),
    /// Register the clients that may call /introspect and /revoke.
    #[command(subcommand)]
    Client(Client),
    /// Show and rotate the signing keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Print a new set-up token, which creates the first administrator; an older one stops working.
    SetupToken,
    /// Find password hashing parameters for this machine.
    #[command(subcommand)]
    Hash(Hash),
    /// Show or check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check this installation, and say how to fix what is wrong.
    Doctor(Output),
    /// Print the OpenAPI document.
    Openapi,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the version.
    Version(Output),
}

/// How to print.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `keyward migrate`.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Apply the pending migrations. One that would break an older node waits until that node has stopped.
    Up {
        /// Apply it anyway: older nodes answer 503 to everything from then on, and stop.
        #[arg(long)]
        force: bool,
    },
    /// Revert the newest migration.
    Down,
    /// List the migrations.
    Status(Output),
}

/// `keyward upgrade`.
#[derive(Debug, Subcommand)]
pub enum Upgrade {
    /// Show the next step, what waits meanwhile, and for how long on this data. This changes nothing.
    Check(Output),
}

/// `keyward client`.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Register a client and print its secret. It is shown only once.
    Create {
        /// Its ID: a-z, 0-9, '.', '_' and '-'.
        id: String,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// List the clients.
    List(Output),
    /// Delete a client.
    Delete {
        /// Its ID.
        id: String,
    },
}

/// `keyward keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List the signing keys.
    List(Output),
    /// Sign with the next key from now on.
    Rotate {
        /// The active key is compromised: revoke it now, with every token that it signed.
        #[arg(long)]
        compromised: bool,
    },
    /// Encrypt the keys with a new master key from KEYWARD_NEW_MASTER_KEY (base64). Stop the servers first.
    Reseal,
}

/// `keyward hash`.
#[derive(Debug, Subcommand)]
pub enum Hash {
    /// Measure Argon2id on this machine and propose parameters.
    Calibrate {
        /// The time that one hash may take, in milliseconds.
        #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(5..=10_000))]
        target_ms: u32,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
}

/// `keyward config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every key, its value and where the value came from; secrets are hidden.
    Show(Output),
    /// Print what is wrong with the configuration; exit 2 if anything is.
    Check,
}
