//! `keyward serve`: runs until a signal ends it. The first SIGTERM, SIGINT or SIGQUIT lets requests finish, the second ends it.
//! SIGHUP, SIGUSR1 and SIGUSR2 change nothing: a closed terminal or a program that turns logs over ends no server. SIGXFSZ is an
//! error of the write that caused it.

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

/// The signals that ask a process to end, and those that end one that does not listen to them.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
    user_1: Signal,
    user_2: Signal,
    /// Nothing is done about it. That it is listened to makes a write past the limit of a file an error of that write.
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

    /// The next one that asks for the end.
    async fn next(&mut self) -> &'static str {
        loop {
            let passed_over = tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.quit.recv() => return "SIGQUIT",
                _ = self.hang_up.recv() => "SIGHUP",
                _ = self.user_1.recv() => "SIGUSR1",
                _ = self.user_2.recv() => "SIGUSR2",
            };
            tracing::info!(
                signal = passed_over,
                "a signal was passed over: a restart reads the configuration anew"
            );
        }
    }
}

/// Serves.
pub(super) async fn serve(config: Config) -> Result<(), CommandError> {
    // Before anything else, so that a signal during the start is not lost.
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
    logging::tell(
        audience,
        Level::INFO,
        format_args!("listening on http://{}", running.addr()),
    );
    if let Some(admin) = running.admin_addr() {
        logging::tell(audience, Level::INFO, format_args!("admin on http://{admin}"));
    }
    if config.limits.enabled && running.addr().ip().is_loopback() {
        tracing::info!(
            "limits are on, as in production; KEYWARD__LIMITS__ENABLED=false turns them off for development"
        );
    }
    if running.is_without_administrator() {
        tell_how_to_set_up(&config, &running);
    }
    let outcome = tokio::select! {
        name = signals.next() => {
            tracing::info!(
                signal = name,
                "stopping: requests in flight may finish; a second signal ends at once"
            );
            Ok(())
        }
        reason = running.must_stop() => {
            tracing::error!(%reason, "stopping, because this node may not serve any longer: requests in flight may finish");
            Err(super::operator::refused(reason))
        }
    };
    tokio::select! {
        () = Box::pin(running.stop()) => {
            tracing::info!("stopped");
            outcome
        }
        name = signals.next() => {
            tracing::warn!(signal = name, "ended at once");
            Err(CommandError::Said)
        }
    }
}

/// The token makes its holder the owner. A person reads it here once, and in no address, which browsers remember. A program
/// would keep it in a store of logs, so it reads the command that prints one.
fn tell_how_to_set_up(config: &Config, running: &wiring::Running) {
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
        (Audience::People, Some(token)) => logging::tell(
            Audience::People,
            Level::WARN,
            format_args!(
                "{becomes}; the token works once, for 15 minutes:\n    set-up token: {}\n(`keyward setup-token` makes another)",
                token.expose_secret(),
            ),
        ),
        // The token of an earlier start, or of another node, is still good.
        (Audience::People, None) => {}
        (Audience::Programs, _) => logging::tell(
            Audience::Programs,
            Level::WARN,
            format_args!(
                "{becomes}; `keyward setup-token` prints the token, which works once, for 15 minutes"
            ),
        ),
    }
}
