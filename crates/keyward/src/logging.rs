//! The log goes to standard error, one line an event; standard output belongs to what a command prints.

mod lines;

use serde::Deserialize;
use std::{
    io::{self, IsTerminal},
    panic,
};
use tracing::Metadata;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
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
    fn format(&self) -> LogFormat {
        self.format.unwrap_or(if io::stderr().is_terminal() {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        })
    }

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

/// Writes the log of a server. What waits to be written is written out when the guards are dropped.
pub(crate) fn of_server(config: &LogConfig) -> [WorkerGuard; 2] {
    let json = config.format() == LogFormat::Json;
    let (requests, requests_written) = lines::to(lines::WholeLines, "lines of requests", json);
    let (events, events_written) = lines::to(lines::WholeLines, "lines", json);
    start(config, &config.level, Apart { requests, events });
    [requests_written, events_written]
}

/// The lines of requests, which anybody can make as many of as they like, in a queue of their own: a flood of them pushes
/// nothing out that somebody should read.
struct Apart {
    requests: NonBlocking,
    events: NonBlocking,
}

impl<'a> MakeWriter<'a> for Apart {
    type Writer = NonBlocking;

    fn make_writer(&'a self) -> NonBlocking {
        self.events.clone()
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> NonBlocking {
        if event.target() == auth_api::access_log::TARGET {
            self.requests.clone()
        } else {
            self.events.clone()
        }
    }
}

/// Sends the log on its way. Only the first call of a process counts.
fn start(config: &LogConfig, level: &str, to: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = io::stderr().is_terminal();
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(to);
    let started = match config.format() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_lines_of_requests_wait_apart_from_what_somebody_should_read() {
        let (anybodys, ours) = (Kept::default(), Kept::default());
        let (requests, requests_written) = lines::to(anybodys.clone(), "lines of requests", true);
        let (events, events_written) = lines::to(ours.clone(), "lines", true);
        let registry = tracing_subscriber::registry().with(
            tracing_subscriber::fmt::layer()
                .json()
                .with_writer(Apart { requests, events }),
        );
        tracing::subscriber::with_default(registry, || {
            tracing::info!(target: auth_api::access_log::TARGET, "answered");
            tracing::warn!("a used refresh token came back");
        });
        drop((requests_written, events_written));
        let text = |kept: &Kept| String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(text(&anybodys).contains("answered") && !text(&anybodys).contains("came back"));
        assert!(text(&ours).contains("came back") && !text(&ours).contains("answered"));
    }
}
