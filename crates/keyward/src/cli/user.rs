//! `keyward user …`: whom, and what about them.

use super::Output;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

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
        /// The role: user, viewer, admin or one of [roles].
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
    /// The panic button: end every credential that a user has, its password among them. It comes back by a reset.
    LockOut {
        /// Address or id.
        user: String,
    },
    /// Mail a user a link to choose a new password; a running server sends it.
    SendReset {
        /// Address or id.
        user: String,
    },
    /// Import users with their password hashes from a CSV or JSON lines file.
    Import(ImportUsers),
    /// Delete a user and all that they own.
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
    /// Its role: user, viewer, admin or one of [roles].
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
    /// Only those whose address or name begins with this.
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
                        modular-crypt string), role, status, email_verified (true or false), created_at (2024-05-01T12:00:00Z, or as psql \
                        prints it; UTC where it names no offset)."
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
