//! `keyward user …`: the arguments of its subcommands.

use super::Output;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where a password comes from: a prompt, unless this says otherwise.
#[derive(Debug, Clone, Copy, Args)]
pub struct PasswordSource {
    /// Read the password from the first line of standard input.
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
        /// The email address or ID.
        user: String,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Keep a user from signing in, and end their sessions.
    Disable {
        /// The email address or ID.
        user: String,
    },
    /// Let a disabled user sign in again.
    Enable {
        /// The email address or ID.
        user: String,
    },
    /// Change the role of a user; it takes effect at once.
    SetRole {
        /// The email address or ID.
        user: String,
        /// The role: user, viewer, admin or one of [roles].
        role: String,
    },
    /// Set a new password for a user, and end their sessions.
    SetPassword {
        /// The email address or ID.
        user: String,
        /// Where the password comes from.
        #[command(flatten)]
        source: PasswordSource,
    },
    /// End every credential of a user, the password included, for example after a theft. The user then needs a reset.
    LockOut {
        /// The email address or ID.
        user: String,
    },
    /// Email a user a link to choose a new password; a running server sends it.
    SendReset {
        /// The email address or ID.
        user: String,
    },
    /// Import users with their password hashes from a CSV or JSON Lines file.
    Import(ImportUsers),
    /// Delete a user and everything that belongs to them.
    Delete {
        /// The email address or ID.
        user: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
}

/// `keyward user create`.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// The email address.
    pub email: String,
    /// The user's name.
    #[arg(long)]
    pub name: Option<String>,
    /// The role: user, viewer, admin or one of [roles].
    #[arg(long, default_value = "user")]
    pub role: String,
    /// The email address is known to be the user's own; store it as confirmed.
    #[arg(long)]
    pub email_verified: bool,
    /// Where the password comes from.
    #[command(flatten)]
    pub source: PasswordSource,
    /// Create the user without a password; they can't sign in with one until it is set or reset.
    #[arg(long, conflicts_with = "password_stdin")]
    pub no_password: bool,
    /// How to print.
    #[command(flatten)]
    pub output: Output,
}

/// `keyward user list`.
#[derive(Debug, Args)]
pub struct ListUsers {
    /// Only users whose email address or name begins with this.
    #[arg(long)]
    pub query: Option<String>,
    /// Only users with this role.
    #[arg(long)]
    pub role: Option<String>,
    /// Only users with this status: active or disabled.
    #[arg(long)]
    pub status: Option<String>,
    /// The maximum number of users; without it, all.
    #[arg(long)]
    pub limit: Option<u32>,
    /// How to print.
    #[command(flatten)]
    pub output: Output,
}

/// The format of an import file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

/// `keyward user import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Columns: email (required), name, password_hash (bcrypt, scrypt, PBKDF2 or Argon2, as a PHC or \
                        modular-crypt string), role, status, email_verified (true or false), created_at (2024-05-01T12:00:00Z, or as psql \
                        prints it; UTC if it has no offset)."
)]
pub struct ImportUsers {
    /// The file; `-` is standard input.
    pub file: PathBuf,
    /// The format; without it, the file name's extension decides.
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// Check every line and import nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write the numbers of refused lines and the reasons to this file instead of standard error.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// How to print the summary.
    #[command(flatten)]
    pub output: Output,
}
