//! `keyward serve`: runs until a signal stops it. The first SIGTERM, SIGINT or SIGQUIT lets requests finish, the second stops at once.
//! SIGHUP, SIGUSR1 and SIGUSR2 do nothing, so that a closed terminal or a log rotation stops no server. SIGXFSZ becomes an error of
//! the write that caused it.

use crate::{
    config::{Config, log::Audience},
    logging,
    output::CommandError,
    wiring,
};
use auth_service::{SystemClock, SystemEntropy};
use secrecy::ExposeSecret;
use std::{io, sync::Arc};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Level;

/// The signals that ask a process to stop, and those that would kill it by default.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
    user_1: Signal,
    user_2: Signal,
    /// It is ignored. Because a handler is installed, a write beyond the file size limit fails with an error instead.
    _file_too_large: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
            user_2: signal(SignalKind::user_defined2())?,
            _file_too_large: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    /// Waits for the next signal that asks the process to stop.
    async fn next(&mut self) -> &'static str {
        loop {
            let ignored = tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.quit.recv() => return "SIGQUIT",
                _ = self.hang_up.recv() => "SIGHUP",
                _ = self.user_1.recv() => "SIGUSR1",
                _ = self.user_2.recv() => "SIGUSR2",
            };
            tracing::info!(
                signal = ignored,
                "a signal was ignored: restart the server to read the configuration again"
            );
        }
    }
}

/// Runs the server until a signal or a newer schema stops it.
pub(super) async fn serve(config: Config) -> Result<(), CommandError> {
    // This comes first, so that a signal during the start is not lost.
    let mut signals = Signals::listen()?;
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    let starting = wiring::start(
        config.clone(),
        Arc::new(SystemClock::default()),
        Arc::new(SystemEntropy),
    );
    let running = tokio::select! {
        started = Box::pin(starting) => started.map_err(super::operator::refused)?,
        name = signals.next() => {
            tracing::info!(signal = name, "stopped before the start was complete");
            return Ok(());
        }
    };
    let audience = config.log.audience();
    logging::announce(
        audience,
        Level::INFO,
        format_args!("listening on http://{}", running.addr()),
    );
    if let Some(admin) = running.admin_addr() {
        logging::announce(audience, Level::INFO, format_args!("admin on http://{admin}"));
    }
    if config.limits.enabled && running.addr().ip().is_loopback() {
        tracing::info!(
            "rate limits are on, as in production; KEYWARD__LIMITS__ENABLED=false turns them off for development"
        );
    }
    if running.is_without_administrator() {
        announce_setup(&config, &running);
    }
    let result = tokio::select! {
        name = signals.next() => {
            tracing::info!(
                signal = name,
                "stopping: requests in flight may finish; a second signal stops at once"
            );
            Ok(())
        }
        reason = running.must_stop() => {
            tracing::error!(%reason, "stopping, because this node may no longer serve: requests in flight may finish");
            Err(super::operator::refused(reason))
        }
    };
    tokio::select! {
        () = Box::pin(running.stop()) => {
            tracing::info!("stopped");
            result
        }
        name = signals.next() => {
            tracing::warn!(signal = name, "stopped at once");
            Err(CommandError::Reported)
        }
    }
}

/// Says how to create the first administrator. The token makes its holder an administrator, so it is printed for people only, once, and
/// never in a URL, which browsers remember. Programs would store it with the logs, so a JSON log names the command that prints one.
fn announce_setup(config: &Config, running: &wiring::Running) {
    let reached = running.public_url();
    let page = if config.pages.are_served(&config.server) == Ok(true) {
        format!(
            "opens {reached}{}/setup with the set-up token, or POSTs it",
            config.pages.path
        )
    } else {
        "POSTs the set-up token".to_owned()
    };
    let becomes = format!(
        "there is no administrator yet; the person who {page} to {reached}{}/setup becomes the administrator",
        config.server.base_path
    );
    match (config.log.audience(), running.setup_token()) {
        (Audience::People, Some(token)) => logging::announce(
            Audience::People,
            Level::WARN,
            format_args!(
                "{becomes}; the token works once, for 15 minutes:\n    set-up token: {}\n(`keyward setup-token` prints a new one)",
                token.expose_secret(),
            ),
        ),
        // A token of an earlier start, or of another node, is still valid.
        (Audience::People, None) => {}
        (Audience::Programs, _) => logging::announce(
            Audience::Programs,
            Level::WARN,
            format_args!(
                "{becomes}; `keyward setup-token` prints the token, which works once, for 15 minutes"
            ),
        ),
    }
}
