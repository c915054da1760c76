//! The metrics of `/metrics` (Prometheus text format). Labels are route patterns and fixed words, never text of a client's making, so the
//! number of series is bounded.

use auth_domain::time::Timestamp;
use auth_service::{Event, Gauges, Subscriber};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    core::Collector,
};
use std::time::Duration;

/// The route label of a request that matches no route.
pub const UNMATCHED: &str = "unmatched";
/// The outcome of success.
const OK: &str = "ok";

/// The metrics of one process. Clones share them.
#[derive(Clone)]
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

impl Metrics {
    /// New metrics, in a registry of their own.
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
        let counted = |name: &str, help: &str, label: &str| {
            registered(&registry, IntCounterVec::new(Opts::new(name, help), &[label]))
        };
        let gauge = |name: &str, help: &str| registered(&registry, IntGauge::new(name, help));
        Ok(Self {
            requests: registered(
                &registry,
                HistogramVec::new(duration, &["route", "method", "status"]),
            )?,
            sign_ins: counted("keyward_sign_ins_total", "Sign-ins, by outcome.", "outcome")?,
            refreshes: counted("keyward_refreshes_total", "Refreshes, by outcome.", "outcome")?,
            revocations: counted(
                "keyward_revocations_total",
                "Answered revocations, by what asked for them.",
                "by",
            )?,
            hash_queue: gauge("keyward_hash_queue", "Passwords that wait to be hashed.")?,
            hash_capacity: gauge("keyward_hash_queue_capacity", "How many passwords may wait.")?,
            audit_alarm: gauge(
                "keyward_audit_alarm",
                "1 while the audit log is not what this process saw before.",
            )?,
            timed_out: registered(
                &registry,
                IntCounter::new(
                    "keyward_timed_out_requests_total",
                    "Requests that took longer than request_timeout.",
                ),
            )?,
            registry,
        })
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

    /// Counts a request that took longer than `request_timeout`.
    pub fn timed_out(&self) {
        self.timed_out.inc();
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// When a family is inconsistent.
    pub fn render(&self, figures: &Gauges) -> Result<Vec<u8>, prometheus::Error> {
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

impl Subscriber for Metrics {
    fn on_event(&self, event: Event, _at: Timestamp) {
        let (counter, label) = match event {
            Event::SignedIn => (&self.sign_ins, OK),
            Event::SignInRefused(why) => (&self.sign_ins, why.as_str()),
            Event::RefreshAnswered(Ok(())) => (&self.refreshes, OK),
            Event::RefreshAnswered(Err(why)) => (&self.refreshes, why.as_str()),
            Event::Revoked(by) => (&self.revocations, by.as_str()),
            Event::PasswordRefused | Event::Rotated | Event::LimitRefused(_) => return,
        };
        counter.with_label_values(&[label]).inc();
    }
}

/// A metric that `/metrics` shows.
fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: Result<M, prometheus::Error>,
) -> Result<M, prometheus::Error> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// A status as text, without an allocation.
fn three_digits(status: u16, digits: &mut [u8; 3]) -> &str {
    let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
    *digits = [digit(status / 100), digit(status / 10), digit(status)];
    std::str::from_utf8(digits).unwrap_or("000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_service::{Refusal, RevokedBy};
    use std::collections::BTreeSet;

    #[test]
    fn what_was_counted_is_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.request("/api/v1/auth/login", "POST", 200, Duration::from_millis(20));
        metrics.request(UNMATCHED, "BREW", 404, Duration::from_micros(20));
        for event in [
            Event::SignedIn,
            Event::SignInRefused(Refusal::InvalidCredentials),
            Event::PasswordRefused,
            Event::RefreshAnswered(Ok(())),
            Event::RefreshAnswered(Err(Refusal::TokenAlreadyUsed)),
            Event::Rotated,
            Event::Revoked(RevokedBy::LogoutAll),
        ] {
            metrics.on_event(event, Timestamp::UNIX_EPOCH);
        }
        let text = String::from_utf8(
            metrics
                .render(&Gauges {
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
            r#"keyward_refreshes_total{outcome="ok"} 1"#,
            r#"keyward_refreshes_total{outcome="token_already_used"} 1"#,
            r#"keyward_revocations_total{by="logout_all"} 1"#,
            "keyward_hash_queue 3",
            "keyward_hash_queue_capacity 64",
            "keyward_audit_alarm 1",
        ] {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
        let shown: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        assert_eq!(documented(), shown);
    }

    /// The metrics in the table of the documentation.
    fn documented() -> BTreeSet<&'static str> {
        let rows = include_str!("../../../../docs/operations.md")
            .lines()
            .filter(|line| line.starts_with("| `keyward_"));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        cells
            .flat_map(|cell| cell.split('`').filter(|name| name.starts_with("keyward_")))
            .map(|name| name.split('{').next().unwrap())
            .collect()
    }

    #[test]
    fn a_status_has_three_digits() {
        assert_eq!(three_digits(503, &mut [0; 3]), "503");
    }
}
