//! The log goes to standard error, one line an event; standard output belongs to what a command prints.

use serde::Deserialize;
use std::{io::IsTerminal, panic};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// How lines are written; `None` is readable on a terminal and JSON elsewhere.
    pub format: Option<LogFormat>,
    /// What is written: a level, or levels by module.
    pub level: String,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A JSON object a line, for programs.
    Json,
    /// For people.
    Pretty,
}

impl LogConfig {
    /// What is wrong with the section.
    #[must_use]
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let complaint =
            "must be error, warn, info, debug or trace, or those by module, as in info,auth_service=debug";
        match EnvFilter::try_new(&self.level) {
            Ok(_) if !self.level.trim().is_empty() => vec![],
            _ => vec![("level", complaint.to_owned())],
        }
    }
}

/// Sends the log on its way. Only the first call of a process counts. `least` raises the level of a command that prints
/// for people: its log would stand between its lines.
pub(crate) fn start(config: &LogConfig, least: Option<&str>) {
    let filter =
        EnvFilter::try_new(least.unwrap_or(&config.level)).unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    let format = config.format.unwrap_or(if terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Json => registry
            .with(lines.json().flatten_event(true).with_current_span(false))
            .try_init(),
        LogFormat::Pretty => registry
            .with(lines.with_ansi(terminal).with_target(false))
            .try_init(),
    };
    if started.is_ok() {
        log_panics();
    }
}

/// A panic is logged with its place. Its message is not: it may quote the value that nobody expected.
fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(|| "unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        tracing::error!(
            place,
            thread = thread.name().unwrap_or("unnamed"),
            "a panic: a bug in Keyward, please report it"
        );
    }));
}
