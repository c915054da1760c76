//! The log goes to standard error, one line an event; standard output belongs to what a command prints.

mod lines;

use serde::Deserialize;
use std::{
    io::{self, IsTerminal},
    panic,
};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

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

/// Writes the log of a command that prints for people, from `least` on: more would stand between its lines.
pub(crate) fn beside_output(config: &LogConfig, least: &str) {
    start(config, least, io::stderr);
}

/// Writes the log of a server. What waits to be written is written out when the guard is dropped.
pub(crate) fn of_server(config: &LogConfig) -> WorkerGuard {
    let (lines, written_out) = lines::to(io::stderr());
    start(config, &config.level, lines);
    written_out
}

/// Sends the log on its way. Only the first call of a process counts.
fn start(config: &LogConfig, level: &str, to: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = io::stderr().is_terminal();
    let format = config.format.unwrap_or(if terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(to);
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
