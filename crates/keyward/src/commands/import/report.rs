//! The refused lines of an import. The rule: the report has their numbers and the reasons, never their content.

use crate::output::{CommandError, say};
use std::{
    fs::File,
    io::{BufWriter, Write},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Where refused lines are reported.
pub(super) enum Report {
    /// Standard error.
    Stderr,
    /// A file.
    File(PathBuf, BufWriter<File>),
}

impl Report {
    /// Opens the file, or standard error without one.
    pub(super) fn open(file: Option<&Path>) -> Result<Self, CommandError> {
        let Some(path) = file else { return Ok(Self::Stderr) };
        match File::create(path) {
            Ok(file) => Ok(Self::File(path.to_owned(), BufWriter::new(file))),
            Err(error) => Err(CommandError::Failed(format!(
                "the report {} can't be created: {error}",
                path.display()
            ))),
        }
    }

    /// Reports a line, or several lines that belong together.
    pub(super) fn refused(&mut self, lines: &RangeInclusive<u64>, reason: &str) -> Result<(), CommandError> {
        let named = if lines.start() == lines.end() {
            format!("line {}", lines.start())
        } else {
            format!("lines {}-{}", lines.start(), lines.end())
        };
        // A line break in the name of an unknown column would forge another line of the report.
        let reason: String = reason
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        match self {
            Self::Stderr => {
                say(format_args!("{named}: {reason}"));
                Ok(())
            }
            Self::File(path, out) => writeln!(out, "{named}: {reason}").map_err(|error| lost(path, &error)),
        }
    }

    /// Writes what is still buffered.
    pub(super) fn close(self) -> Result<(), CommandError> {
        match self {
            Self::Stderr => Ok(()),
            Self::File(path, mut out) => out.flush().map_err(|error| lost(&path, &error)),
        }
    }
}

fn lost(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Failed(format!("the report {} can't be written: {error}", path.display()))
}
