//! `keyward serve`: runs until it is told to stop. The first SIGTERM or SIGINT lets requests finish, the second ends it.

use crate::{config::Config, output::CommandError, output::say, wiring};
use auth_service::{SystemClock, SystemEntropy};
use secrecy::ExposeSecret;
use std::{io, sync::Arc};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals that ask a process to end.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Serves.
pub(super) async fn serve(config: Config) -> Result<(), CommandError> {
    // Before anything else, so that a signal during the start is not lost.
    let mut signals = StopSignals::listen()?;
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
    say(format_args!("listening on http://{}", running.addr()));
    if let Some(admin) = running.admin_addr() {
        say(format_args!("admin on http://{admin}"));
    }
    if config.limits.enabled && running.addr().ip().is_loopback() {
        tracing::info!(
            "limits are on, as in production; KEYWARD__LIMITS__ENABLED=false turns them off for development"
        );
    }
    if let Some(token) = running.setup_token() {
        say_how_to_set_up(&config, &running, token.expose_secret());
    }
    let name = signals.next().await;
    tracing::info!(
        signal = name,
        "stopping: requests in flight may finish; a second signal ends at once"
    );
    tokio::select! {
        () = Box::pin(running.stop()) => {
            tracing::info!("stopped");
            Ok(())
        }
        name = signals.next() => {
            tracing::warn!(signal = name, "ended at once");
            Err(CommandError::Said)
        }
    }
}

/// Whoever sees this is the owner. The token stands here once, and in no address, which browsers remember.
fn say_how_to_set_up(config: &Config, running: &wiring::Running, token: &str) {
    let reached = if running.addr().ip().is_loopback() {
        format!("http://{}", running.addr())
    } else {
        config.server.public_url.clone()
    };
    let page = if config.pages.are_served(&config.server) == Ok(true) {
        format!("opens {reached}{}/setup with this token, or ", config.pages.path)
    } else {
        String::new()
    };
    say(format_args!(
        "there is no administrator yet; whoever {page}POSTs it to {reached}{}/setup within 15 minutes, becomes it:\n    \
         set-up token: {token}\n(`keyward setup-token` makes another)",
        config.server.base_path,
    ));
}
