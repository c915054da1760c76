//! The log goes to standard error, one line an event; standard output belongs to what a command prints.

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

/// Writes the log of a command that prints for people, from `least` on: more would stand between its lines.
pub(crate) fn beside_output(config: &LogConfig, least: &str) {
    start(config, least, io::stderr);
}

/// Writes the log of a server. What waits to be written is written out when the guards are dropped.
pub(crate) fn of_server(config: &LogConfig) -> [WorkerGuard; 2] {
    let json = config.format() == LogFormat::Json;
    let (strangers, strangers_written) = lines::to(lines::WholeLines, "lines of requests", json);
    let (events, events_written) = lines::to(lines::WholeLines, "lines", json);
    start(config, &config.level, Apart { strangers, events });
    [strangers_written, events_written]
}

/// The lines whose number strangers decide, in a queue of their own: a flood of them pushes nothing out that has to be read.
struct Apart {
    strangers: NonBlocking,
    events: NonBlocking,
}

/// Where the lines come from that have to be read: what the service, its parts and this program say of themselves, each of them
/// once for what happened.
const TO_BE_READ: [&str; 7] = [
    "auth_service",
    "auth_redis",
    "auth_blacklist",
    "auth_limits",
    "auth_mail",
    "auth_storage",
    "keyward",
];
/// Parts of those that may say something for each request. A panic is one of them: a request may have caused it.
const PER_REQUEST: [&str; 3] = [auth_api::http::access_log::TARGET, PANIC, "auth_storage::engine"];
/// The target of a panic's line.
const PANIC: &str = "keyward::panic";

/// Whether strangers decide how many lines of this target there are: those of requests, and of every other crate. What a new
/// dependency says waits apart, too, until it stands on the list.
fn is_of_strangers(target: &str) -> bool {
    let is_of = |modules: &[&str]| modules.iter().any(|module| is_within(target, module));
    is_of(&PER_REQUEST) || !is_of(&TO_BE_READ)
}

fn is_within(target: &str, module: &str) -> bool {
    target
        .strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

impl<'a> MakeWriter<'a> for Apart {
    type Writer = NonBlocking;

    fn make_writer(&'a self) -> NonBlocking {
        self.events.clone()
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> NonBlocking {
        if is_of_strangers(event.target()) {
            self.strangers.clone()
        } else {
            self.events.clone()
        }
    }
}

/// Says something that has to be said whatever `log.level` is: as a line for people, or as a record like those of the log.
pub(crate) fn tell(audience: Audience, level: Level, text: impl fmt::Display) {
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

/// Sends the log on its way. Only the first call of a process counts.
fn start(config: &LogConfig, level: &str, to: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    // A blank behind a comma would be taken for a part of a module's name.
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

/// A panic is logged with its place. Its message is not: it may quote the value that nobody expected.
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
    fn lines_whose_number_strangers_decide_are_known_by_where_they_come_from() {
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
            assert!(is_of_strangers(target), "{target}");
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
            assert!(!is_of_strangers(target), "{target}");
        }
    }

    #[test]
    fn the_lines_of_strangers_wait_apart_from_what_has_to_be_read() {
        let (anybodys, ours) = (Kept::default(), Kept::default());
        let (strangers, strangers_written) = lines::to(anybodys.clone(), "lines of requests", true);
        let (events, events_written) = lines::to(ours.clone(), "lines", true);
        let registry = tracing_subscriber::registry().with(
            tracing_subscriber::fmt::layer()
                .json()
                .with_writer(Apart { strangers, events }),
        );
        tracing::subscriber::with_default(registry, || {
            tracing::info!(target: auth_api::http::access_log::TARGET, "answered");
            tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
            tracing::warn!(target: "auth_service::refresh", "a used refresh token came back");
        });
        drop((strangers_written, events_written));
        let text = |kept: &Kept| String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(text(&anybodys).contains("answered") && !text(&anybodys).contains("came back"));
        assert!(text(&anybodys).contains("stream error"));
        assert!(text(&ours).contains("came back") && !text(&ours).contains("answered"));
    }
}
