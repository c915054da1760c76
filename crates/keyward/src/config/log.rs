//! `[log]`: the format and the level of the log.

use auth_domain::settings::{Complaint, Section};
use serde::Deserialize;
use std::io::{self, IsTerminal};

/// `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// The format; `None` is pretty on a terminal and JSON elsewhere.
    pub format: Option<LogFormat>,
    /// A level, or levels by module.
    pub level: String,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object per line, for programs.
    Json,
    /// For people.
    Pretty,
}

/// The reader of the messages that do not depend on the log level, such as the address that a server listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// People, at a terminal or in a file.
    People,
    /// A program that takes JSON lines and nothing else.
    Programs,
}

impl LogConfig {
    /// The format on standard error of this process.
    pub(crate) fn format(&self) -> LogFormat {
        self.format.unwrap_or(if io::stderr().is_terminal() {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        })
    }

    /// The reader of such messages: programs only if JSON is configured. A server that writes to a pipe or a file has people as readers.
    pub(crate) const fn audience(&self) -> Audience {
        match self.format {
            Some(LogFormat::Json) => Audience::Programs,
            Some(LogFormat::Pretty) | None => Audience::People,
        }
    }
}

impl Section for LogConfig {
    const NAME: &'static str = "log";

    fn validate(&self) -> Vec<Complaint> {
        let parts = self.level.split(',').map(str::trim);
        let mut wrong = parts.filter(|part| !is_directive(part)).peekable();
        if wrong.peek().is_none() {
            return vec![];
        }
        let nearest = wrong.find_map(nearest_level);
        let meant = nearest.map_or_else(String::new, |level| format!("; did you mean {level}?"));
        vec![Complaint::new(
            "level",
            format!(
                "must be error, warn, info, debug, trace or off, or levels by module separated by commas, for example \
                 info,auth_service=debug{meant}"
            ),
        )]
    }
}

/// The levels.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

fn is_level(text: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(text))
}

/// Whether the text is a level, or a module with its level. The filter would take any other word for the name of a module, so a typo
/// would silence the log.
fn is_directive(text: &str) -> bool {
    match text.split_once('=') {
        None => is_level(text),
        Some((module, level)) => {
            let in_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-');
            !module.is_empty() && module.bytes().all(in_name) && is_level(level)
        }
    }
}

/// The most similar level, if there is one.
fn nearest_level(part: &str) -> Option<&'static str> {
    let written = part.rsplit('=').next().unwrap_or(part).to_lowercase();
    let likeness = |level: &str| strsim::jaro_winkler(level, &written);
    let nearest = LEVELS
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(nearest) >= 0.75).then_some(nearest)
}
