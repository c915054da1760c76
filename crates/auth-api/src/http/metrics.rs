//! What `/metrics` shows (Prometheus text format). Labels are route patterns and fixed words, never anything that a client can
//! make up: the number of series is bounded.

use auth_service::{Error, Figures};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};
use std::time::Duration;

/// The label of a request that fits no route.
pub const UNMATCHED: &str = "unmatched";

/// Counters and gauges of one process.
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    sign_ins: IntCounterVec,
    refreshes: IntCounterVec,
    revocations: IntCounterVec,
    hash_queue: IntGauge,
    hash_capacity: IntGauge,
    audit_alarm: IntGauge,
    timed_out: IntCounter,
}

/// What was revoked, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// `/logout`, as a route and as a page.
    Logout,
    /// `/logout-all`, and the end of all other sessions on a page.
    LogoutAll,
    /// `DELETE /sessions/{id}`, and the same on a page.
    Session,
    /// `/revoke`.
    Revoke,
}

impl RevokedBy {
    const fn word(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::Session => "session",
            Self::Revoke => "revoke",
        }
    }
}

impl Metrics {
    /// A set of its own.
    ///
    /// # Errors
    /// When two of the names below clash.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let duration = HistogramOpts::new(
            "keyward_http_request_duration_seconds",
            "Time from the request to its answer.",
        )
        .buckets(vec![
            0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
        ]);
        let counted =
            |name: &str, help: &str, label: &str| IntCounterVec::new(Opts::new(name, help), &[label]);
        let metrics = Self {
            requests: HistogramVec::new(duration, &["route", "method", "status"])?,
            sign_ins: counted("keyward_sign_ins_total", "Sign-ins, by outcome.", "outcome")?,
            refreshes: counted("keyward_refreshes_total", "Refreshes, by outcome.", "outcome")?,
            revocations: counted(
                "keyward_revocations_total",
                "Answered revocations, by what asked for them.",
                "by",
            )?,
            hash_queue: IntGauge::new("keyward_hash_queue", "Passwords that wait to be hashed.")?,
            hash_capacity: IntGauge::new("keyward_hash_queue_capacity", "How many passwords may wait.")?,
            audit_alarm: IntGauge::new(
                "keyward_audit_alarm",
                "1 while the audit log is not what this process saw before.",
            )?,
            timed_out: IntCounter::new(
                "keyward_timed_out_requests_total",
                "Requests that took longer than request_timeout.",
            )?,
            registry,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(self.requests.clone()))?;
        self.registry.register(Box::new(self.sign_ins.clone()))?;
        self.registry.register(Box::new(self.refreshes.clone()))?;
        self.registry.register(Box::new(self.revocations.clone()))?;
        self.registry.register(Box::new(self.hash_queue.clone()))?;
        self.registry.register(Box::new(self.hash_capacity.clone()))?;
        self.registry.register(Box::new(self.audit_alarm.clone()))?;
        self.registry.register(Box::new(self.timed_out.clone()))
    }

    /// Counts an answered request.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let method = match method {
            "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
            _ => "other",
        };
        let mut digits = [0_u8; 3];
        let status = three_digits(status, &mut digits);
        self.requests
            .with_label_values(&[route, method, status])
            .observe(took.as_secs_f64());
    }

    /// Counts a request that was given up.
    pub fn timed_out(&self) {
        self.timed_out.inc();
    }

    /// Counts a sign-in.
    pub fn sign_in<T>(&self, outcome: &Result<T, Error>) {
        self.sign_ins.with_label_values(&[outcome_word(outcome)]).inc();
    }

    /// Counts a refresh.
    pub fn refresh<T>(&self, outcome: &Result<T, Error>) {
        self.refreshes.with_label_values(&[outcome_word(outcome)]).inc();
    }

    /// Counts a revocation that was answered.
    pub fn revoked(&self, by: RevokedBy) {
        self.revocations.with_label_values(&[by.word()]).inc();
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// When a family is inconsistent.
    pub fn render(&self, figures: &Figures) -> Result<Vec<u8>, prometheus::Error> {
        self.hash_queue
            .set(i64::try_from(figures.hash_queue).unwrap_or(i64::MAX));
        self.hash_capacity
            .set(i64::try_from(figures.hash_capacity).unwrap_or(i64::MAX));
        self.audit_alarm.set(i64::from(figures.audit_alarm));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// A status as text, without an allocation.
fn three_digits(status: u16, digits: &mut [u8; 3]) -> &str {
    let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
    *digits = [digit(status / 100), digit(status / 10), digit(status)];
    std::str::from_utf8(digits).unwrap_or("000")
}

fn outcome_word<T>(outcome: &Result<T, Error>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(Error::InvalidCredentials) => "invalid_credentials",
        Err(Error::RateLimited(_)) => "rate_limited",
        Err(Error::InvalidToken) => "invalid_token",
        Err(Error::TokenExpired) => "token_expired",
        Err(Error::TokenRevoked | Error::AllSessionsRevoked) => "token_revoked",
        Err(Error::TokenAlreadyUsed) => "token_already_used",
        Err(Error::Unavailable(_)) => "unavailable",
        Err(Error::Overloaded { .. }) => "overloaded",
        Err(Error::Internal(_)) => "internal_error",
        Err(_) => "invalid_request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.request("/api/v1/auth/login", "POST", 200, Duration::from_millis(20));
        metrics.request(UNMATCHED, "BREW", 404, Duration::from_micros(20));
        metrics.sign_in(&Ok(()));
        metrics.sign_in::<()>(&Err(Error::InvalidCredentials));
        metrics.refresh::<()>(&Err(Error::TokenAlreadyUsed));
        metrics.revoked(RevokedBy::LogoutAll);
        let text = String::from_utf8(
            metrics
                .render(&Figures {
                    hash_queue: 3,
                    hash_capacity: 64,
                    audit_alarm: true,
                })
                .unwrap(),
        )
        .unwrap();
        for line in [
            r#"keyward_http_request_duration_seconds_count{method="POST",route="/api/v1/auth/login",status="200"} 1"#,
            r#"keyward_http_request_duration_seconds_count{method="other",route="unmatched",status="404"} 1"#,
            r#"keyward_sign_ins_total{outcome="ok"} 1"#,
            r#"keyward_sign_ins_total{outcome="invalid_credentials"} 1"#,
            r#"keyward_refreshes_total{outcome="token_already_used"} 1"#,
            r#"keyward_revocations_total{by="logout_all"} 1"#,
            "keyward_hash_queue 3",
            "keyward_hash_queue_capacity 64",
            "keyward_audit_alarm 1",
        ] {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn a_status_has_three_digits() {
        assert_eq!(three_digits(503, &mut [0; 3]), "503");
    }
}
