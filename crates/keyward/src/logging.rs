//! The log. The rule: it goes to standard error, one line per event; standard output is for the output of commands.

mod lines;

use crate::{
    config::log::{Audience, LogConfig, LogFormat},
    output::say,
};
use auth_service::{Clock, SystemClock};
use chrono::SecondsFormat;
use serde_json::json;
use std::{
    fmt,
    io::{self, IsTerminal},
    panic,
};
use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts the log of a command that prints for people. Events below the level `least` are left out, because they would come between
/// its lines.
pub(crate) fn beside_output(config: &LogConfig, least: &str) {
    start(config, least, io::stderr);
}

/// Starts the log of a server. Queued lines are written when the guards are dropped.
pub(crate) fn of_server(config: &LogConfig) -> [WorkerGuard; 2] {
    let json = config.format() == LogFormat::Json;
    let (requests, requests_written) = lines::to(lines::WholeLines, "lines of requests", json);
    let (events, events_written) = lines::to(lines::WholeLines, "lines", json);
    start(config, &config.level, SplitWriter { requests, events });
    [requests_written, events_written]
}

/// Two queues of lines. Clients decide how many lines of requests there are; in a queue of their own, a flood of them can't displace
/// the lines that operators have to read.
struct SplitWriter {
    requests: NonBlocking,
    events: NonBlocking,
}

/// The targets of the lines that operators have to read: events of the service, of its parts and of this program, each logged once.
const OPERATOR_TARGETS: [&str; 7] = [
    "auth_service",
    "auth_redis",
    "auth_blacklist",
    "auth_limits",
    "auth_mail",
    "auth_storage",
    "keyward",
];
/// The parts of those targets that may log a line for each request. A panic is one of them: a request may have caused it.
const PER_REQUEST: [&str; 3] = [auth_api::http::access_log::TARGET, PANIC, "auth_storage::engine"];
/// The target of a panic's line.
const PANIC: &str = "keyward::panic";

/// Whether clients decide how many lines of this target there are. This is so for requests and for all other crates: the lines of a new
/// dependency are in this queue until it is on the list.
fn is_per_request(target: &str) -> bool {
    let is_of = |modules: &[&str]| modules.iter().any(|module| is_within(target, module));
    is_of(&PER_REQUEST) || !is_of(&OPERATOR_TARGETS)
}

fn is_within(target: &str, module: &str) -> bool {
    target
        .strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

impl<'a> MakeWriter<'a> for SplitWriter {
    type Writer = NonBlocking;

    fn make_writer(&'a self) -> NonBlocking {
        self.events.clone()
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> NonBlocking {
        if is_per_request(event.target()) {
            self.requests.clone()
        } else {
            self.events.clone()
        }
    }
}

/// Prints a message whatever `log.level` is: as a line for people, or as a JSON record like those of the log.
pub(crate) fn announce(audience: Audience, level: Level, text: impl fmt::Display) {
    match audience {
        Audience::People => say(text),
        Audience::Programs => say(json!({
            "timestamp": SystemClock::default().now().to_rfc3339_opts(SecondsFormat::Micros, true),
            "level": level.as_str(),
            "message": text.to_string(),
            "target": "keyward",
        })),
    }
}

/// Starts the log. Only the first call in a process has an effect.
fn start(config: &LogConfig, level: &str, to: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    // A blank after a comma would count as part of a module's name.
    let level: String = level.split_whitespace().collect();
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

/// Logs panics with their place. The message is left out, because it may contain the unexpected value.
fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(|| "unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        tracing::error!(
            target: PANIC,
            place,
            thread = thread.name().unwrap_or("unnamed"),
            "a panic: this is a bug in Keyward, please report it"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_whose_number_clients_decide_are_recognised_by_their_target() {
        for target in [
            "keyward::access",
            "keyward::panic",
            "auth_api::api::health",
            "auth_storage::engine",
            "auth_storage::engine::pool",
            "actix_http::h1::dispatcher",
            "actix_server::worker",
            "rustls::conn",
            "log",
            "auth_services",
            "keywards",
        ] {
            assert!(is_per_request(target), "{target}");
        }
        for target in [
            "keyward",
            "keyward::commands::serve",
            "auth_service::refresh",
            "auth_service::background",
            "auth_storage::ops::outbox",
            "auth_blacklist::link",
            "auth_limits::redis_counters",
            "auth_mail",
        ] {
            assert!(!is_per_request(target), "{target}");
        }
    }

    #[test]
    fn the_lines_of_requests_are_queued_apart_from_those_of_operators() {
        let (request_lines, operator_lines) = (Buffer::default(), Buffer::default());
        let (requests, requests_written) = lines::to(request_lines.clone(), "lines of requests", true);
        let (events, events_written) = lines::to(operator_lines.clone(), "lines", true);
        let registry = tracing_subscriber::registry().with(
            tracing_subscriber::fmt::layer()
                .json()
                .with_writer(SplitWriter { requests, events }),
        );
        tracing::subscriber::with_default(registry, || {
            tracing::info!(target: auth_api::http::access_log::TARGET, "answered");
            tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
            tracing::warn!(target: "auth_service::refresh", "a used refresh token came back");
        });
        drop((requests_written, events_written));
        let text = |kept: &Buffer| String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(text(&request_lines).contains("answered") && !text(&request_lines).contains("came back"));
        assert!(text(&request_lines).contains("stream error"));
        assert!(text(&operator_lines).contains("came back") && !text(&operator_lines).contains("answered"));
    }
}
