//! The command line, as a tree of types. Passwords are no arguments: other users of the machine can read those.

mod api_key;
mod audit;
mod mail;
mod moment;
mod session;
mod user;

pub(crate) use api_key::ApiKey;
pub(crate) use audit::{Audit, SealName, WantedEvents};
pub(crate) use mail::Mail;
pub(crate) use moment::read_moment;
pub(crate) use session::{Session, SessionStatus};
pub use user::ImportFormat;
pub(crate) use user::{CreateUser, ImportUsers, ListUsers, PasswordSource, User};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

use crate::config::Sources;

/// An authentication server: sign-in, rotating refresh tokens, sessions that end when they are told to.
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
    /// Keep the embedded database and the master key here.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Where this call's configuration comes from.
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

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve HTTP until SIGTERM or SIGINT.
    Serve {
        /// Listen here; port 0 picks a free one.
        #[arg(long, value_name = "ADDR:PORT")]
        bind: Option<String>,
    },
    /// Change the database's schema, or show where it stands.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Create, change, lock out, import and delete users.
    #[command(subcommand)]
    User(User),
    /// Show what an upgrade needs next.
    #[command(subcommand)]
    Upgrade(Upgrade),
    /// Show and end users' sessions.
    #[command(subcommand)]
    Session(Session),
    /// Show and revoke users' API keys.
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Read the audit log, and prove that nobody changed it.
    #[command(subcommand)]
    Audit(Audit),
    /// Show which mails wait or were given up, and try them again.
    #[command(subcommand)]
    Mail(Mail),
    /// Register the services that may ask /introspect and /revoke.
    #[command(subcommand)]
    Client(Client),
    /// Show and rotate the signing keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Void the token that makes the first administrator, and print a new one.
    SetupToken,
    /// Find password hashing parameters for this machine.
    #[command(subcommand)]
    Hash(Hash),
    /// Show or check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what is wrong with this installation, and how to mend it.
    Doctor(Output),
    /// Print the OpenAPI document.
    Openapi,
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
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
    /// Apply what is not applied. What would break an older node that still serves waits for its end.
    Up {
        /// Apply it all the same: nodes that don't know it answer 503 to everything from then on.
        #[arg(long)]
        force: bool,
    },
    /// Take the newest migration back.
    Down,
    /// List the migrations.
    Status(Output),
}

/// `keyward upgrade`.
#[derive(Debug, Subcommand)]
pub enum Upgrade {
    /// Show which step is next, what waits meanwhile, and for how long on this data. Changes nothing.
    Check(Output),
}

/// `keyward client`.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Register a client and print its secret, this once.
    Create {
        /// Its id: a-z, 0-9, '.', '_' and '-'.
        id: String,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// List the clients.
    List(Output),
    /// Delete a client.
    Delete {
        /// Its id.
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
        /// The active key was stolen: drop it now, with every token that it signed.
        #[arg(long)]
        compromised: bool,
    },
    /// Seal the keys with a new master key, which KEYWARD_NEW_MASTER_KEY holds (base64). Stop the servers first.
    Reseal,
}

/// `keyward hash`.
#[derive(Debug, Subcommand)]
pub enum Hash {
    /// Measure Argon2id here and propose parameters.
    Calibrate {
        /// How long one hash may take, in milliseconds.
        #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(5..=10_000))]
        target_ms: u32,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}

/// `keyward config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every key, what is in force, and where that came from; secrets are hidden.
    Show(Output),
    /// Say what is wrong with the configuration; exit 2 if anything is.
    Check,
}
