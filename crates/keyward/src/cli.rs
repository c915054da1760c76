//! The command line, as a tree of types. Passwords are no arguments: other users of the machine can read those.

use clap::{Args, Parser, Subcommand, ValueEnum};
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
    /// Create, change, import and delete users.
    #[command(subcommand)]
    User(User),
    /// Show and end users' sessions.
    #[command(subcommand)]
    Session(Session),
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
    /// Apply what is not applied.
    Up,
    /// Take the newest migration back.
    Down,
    /// List the migrations.
    Status(Output),
}

/// Where a password comes from: a prompt, unless this says otherwise.
#[derive(Debug, Clone, Copy, Args)]
pub struct PasswordSource {
    /// Read the password from standard input, to the first line's end.
    #[arg(long)]
    pub password_stdin: bool,
}

/// `keyward user`.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Create a user.
    Create(CreateUser),
    /// List users, newest first.
    List(ListUsers),
    /// Show a user.
    Show {
        /// Address or id.
        user: String,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Keep a user from signing in, and end its sessions.
    Disable {
        /// Address or id.
        user: String,
    },
    /// Let a disabled user sign in again.
    Enable {
        /// Address or id.
        user: String,
    },
    /// Give a user another role, at once.
    SetRole {
        /// Address or id.
        user: String,
        /// The role: user, viewer or admin.
        role: String,
    },
    /// Give a user a new password, and end its sessions.
    SetPassword {
        /// Address or id.
        user: String,
        /// From where.
        #[command(flatten)]
        source: PasswordSource,
    },
    /// Import users with their password hashes from a CSV or JSON lines file.
    Import(ImportUsers),
    /// Delete a user and all it owns.
    Delete {
        /// Address or id.
        user: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
}

/// `keyward user create`.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// The address.
    pub email: String,
    /// What it is called.
    #[arg(long)]
    pub name: Option<String>,
    /// Its role: user, viewer or admin.
    #[arg(long, default_value = "user")]
    pub role: String,
    /// The address is known to be the user's.
    #[arg(long)]
    pub email_verified: bool,
    /// From where.
    #[command(flatten)]
    pub source: PasswordSource,
    /// Give it no password: it can't sign in with one until it has one.
    #[arg(long, conflicts_with = "password_stdin")]
    pub no_password: bool,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// `keyward user list`.
#[derive(Debug, Args)]
pub struct ListUsers {
    /// Only those whose address or name contains this.
    #[arg(long)]
    pub query: Option<String>,
    /// Only those of this role.
    #[arg(long)]
    pub role: Option<String>,
    /// Only those who are active, or disabled.
    #[arg(long)]
    pub status: Option<String>,
    /// At most so many; without it, all.
    #[arg(long)]
    pub limit: Option<u32>,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// How an import file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// `keyward user import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Columns: email (needed), name, password_hash (bcrypt, scrypt, PBKDF2 or Argon2, as a PHC or \
                        modular-crypt string), role, status, email_verified (true or false), created_at (RFC 3339)."
)]
pub struct ImportUsers {
    /// The file; `-` is standard input.
    pub file: PathBuf,
    /// How it is written; without it, the file's ending tells.
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// Check every line and import none.
    #[arg(long)]
    pub dry_run: bool,
    /// Write the refused lines' numbers and reasons here instead of standard error.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// How to print the summary.
    #[command(flatten)]
    pub output: Output,
}

/// Which sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SessionStatus {
    /// Those that live.
    Active,
    /// Those that ended or lapsed.
    Ended,
    /// Both.
    All,
}

/// `keyward session`.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List a user's sessions, newest first.
    List {
        /// Address or id.
        user: String,
        /// Which.
        #[arg(long, value_enum, default_value = "active")]
        status: SessionStatus,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// End one session, or all of a user.
    End {
        /// The session's id.
        #[arg(required_unless_present = "all_of", conflicts_with = "all_of")]
        session: Option<String>,
        /// All sessions of this user (address or id).
        #[arg(long, value_name = "USER")]
        all_of: Option<String>,
    },
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
