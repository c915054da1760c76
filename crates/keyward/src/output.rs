//! What a command prints on standard output, and how it ends. A reader that has gone away (`| head`) is not an error.

use crate::config::ConfigErrors;
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
};

/// Why a command failed. The variant decides the exit code.
#[derive(Debug)]
pub enum CommandError {
    /// The command line makes no sense: exit code 2.
    Usage(String),
    /// The configuration is wrong: exit code 2.
    Config(ConfigErrors),
    /// The command failed: exit code 1.
    Failed(String),
    /// The command failed and has already reported why: exit code 1.
    Reported,
    /// The command failed and the log has the reason; this is the exit code.
    Logged(u8),
}

impl CommandError {
    /// The exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) => 2,
            Self::Failed(_) | Self::Reported => 1,
            Self::Logged(code) => *code,
        }
    }

    /// A failure with the message of an error.
    pub fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
            Self::Config(errors) => errors.fmt(f),
            Self::Reported | Self::Logged(_) => Ok(()),
        }
    }
}

impl From<ConfigErrors> for CommandError {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Prints lines to standard output.
///
/// # Errors
/// Standard output can't be written to, for another reason than that its reader has gone away.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// As [`print`].
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), CommandError> {
    print(serde_json::to_string_pretty(value).map_err(CommandError::failed)?)
}

/// Prints a message for the operator on standard error. An error is ignored: there may be no reader.
pub fn say(text: impl fmt::Display) {
    let mut out = io::stderr().lock();
    let _ignored = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints rows under a heading, each column as wide as its widest cell.
///
/// # Errors
/// As [`print`].
pub(crate) fn print_table(heading: &[&str], rows: &[Vec<String>]) -> Result<(), CommandError> {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain(heading.get(column).map(|name| name.len()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut heading.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    print(lines.join("\n"))
}
