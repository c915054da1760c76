//! What a command prints, on standard output, and how it ends. A reader that went away (`| head`) is no failure.

use crate::config::ConfigErrors;
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
};

/// Why a command did not do what it was asked. The kinds are the exit codes.
#[derive(Debug)]
pub enum CommandError {
    /// It was asked for something that makes no sense: exit code 2.
    Usage(String),
    /// The configuration is wrong: exit code 2.
    Config(ConfigErrors),
    /// It failed: exit code 1.
    Failed(String),
    /// It failed, and has said so already: exit code 1.
    Said,
    /// It failed, and the log has the reason; this is the exit code.
    Recorded(u8),
}

impl CommandError {
    /// The exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) => 2,
            Self::Failed(_) | Self::Said => 1,
            Self::Recorded(code) => *code,
        }
    }

    /// A failure in words.
    pub fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
            Self::Config(errors) => errors.fmt(f),
            Self::Said | Self::Recorded(_) => Ok(()),
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
/// Standard output can't be written to, other than because its reader left.
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

/// Says something to the operator on standard error. Nobody may be listening; that changes nothing.
pub fn say(text: impl fmt::Display) {
    let mut out = io::stderr().lock();
    let _unheard = writeln!(out, "{text}").and_then(|()| out.flush());
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
