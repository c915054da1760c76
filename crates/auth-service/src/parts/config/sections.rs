//! The sections of the configuration file. Each is validated as a whole, and reports every fault at once.

use auth_domain::{
    keys::Algorithm,
    rotation::OnConcurrent,
    settings::{Complaint, Complaints, Section},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// `[tokens]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// The `aud` of access tokens.
    pub audience: String,
    /// The lifetime of an access token.
    #[serde(with = "humantime_serde")]
    pub access_ttl: Duration,
    /// The lifetime of a refresh token, from its issue.
    #[serde(with = "humantime_serde")]
    pub refresh_ttl: Duration,
    /// How far the clocks of two machines may differ.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
    /// The algorithm that signs access tokens.
    pub algorithm: Algorithm,
    /// The shared secret of HS256, at least 32 bytes; empty for the other algorithms.
    pub secret: SecretString,
}

/// `[session]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// The lifetime of a session, however often it is refreshed.
    #[serde(with = "humantime_serde")]
    pub max_lifetime: Duration,
    /// How many active sessions a user may have. A further sign-in ends the oldest.
    pub max_per_user: u32,
}

/// `[rotation]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationConfig {
    /// How long a refresh may be repeated with its `Idempotency-Key`.
    #[serde(with = "humantime_serde")]
    pub retry_window: Duration,
    /// How long the token before the current one does not count as reused.
    #[serde(with = "humantime_serde")]
    pub reuse_leeway: Duration,
    /// What it gets during that time.
    pub on_concurrent: OnConcurrent,
}

/// The part of `[password]` about the hashing threads. The rest of the section is the policy for new passwords
/// ([`auth_domain::password::PasswordPolicy`]) and the cost of new hashes ([`auth_domain::password_hash::Argon2Params`]).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashingConfig {
    /// How many threads hash; 0 means one for each core.
    pub threads: usize,
    /// How many passwords may wait for a thread.
    pub queue: usize,
    /// How long a password may wait before it is refused.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

/// `[registration]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationConfig {
    /// Whether anyone may register.
    pub open: bool,
    /// Whether an address has to be confirmed before its user gets tokens.
    pub require_verified_email: bool,
    /// Whether users may register with, or change to, an address with characters beyond ASCII.
    pub internationalised_addresses: bool,
}

/// `[audit]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// How long the audit log is kept.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
    /// Whether every refresh is recorded, too: one event each.
    pub record_refreshes: bool,
}

/// `[oauth]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthConfig {
    /// Whether `/token` accepts `grant_type=password`, for the clients of older services (RFC 9700 §2.4 forbids it).
    pub password_grant: bool,
}

fn within(complaints: &mut Complaints, key: &'static str, value: Duration, least: Duration, most: Duration) {
    let fits = (least..=most).contains(&value);
    complaints.unless(
        fits,
        key,
        format!("must be {} to {}", duration_text(least), duration_text(most)),
    );
}

/// The duration in the largest unit that needs no fraction.
fn duration_text(duration: Duration) -> String {
    match duration.as_secs() {
        0 if !duration.is_zero() => format!("{}ms", duration.as_millis()),
        seconds if seconds > 0 && seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

impl Section for TokensConfig {
    const NAME: &'static str = "tokens";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        let (shortest, longest) = (Duration::from_secs(5), 3650 * DAY);
        within(&mut complaints, "access_ttl", self.access_ttl, shortest, DAY);
        within(
            &mut complaints,
            "refresh_ttl",
            self.refresh_ttl,
            shortest,
            longest,
        );
        let apart = Duration::from_secs(120);
        within(&mut complaints, "leeway", self.leeway, Duration::ZERO, apart);
        complaints.unless(
            self.access_ttl <= self.refresh_ttl,
            "access_ttl",
            "must not be longer than tokens.refresh_ttl",
        );
        complaints.unless(!self.audience.is_empty(), "audience", "must not be empty");
        let secret = self.secret.expose_secret().len();
        match self.algorithm {
            Algorithm::HS256 => complaints.unless(
                secret >= 32,
                "secret",
                "HS256 needs a shared secret of at least 32 bytes (RFC 7518 §3.2)",
            ),
            _ => complaints.unless(
                secret == 0,
                "secret",
                "is for HS256 alone; set tokens.algorithm to HS256",
            ),
        }
        complaints.into_vec()
    }
}

impl Section for SessionConfig {
    const NAME: &'static str = "session";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        let shortest = Duration::from_secs(60);
        within(
            &mut complaints,
            "max_lifetime",
            self.max_lifetime,
            shortest,
            3650 * DAY,
        );
        complaints.unless(
            (1..=10_000).contains(&self.max_per_user),
            "max_per_user",
            "must be 1 to 10000",
        );
        complaints.into_vec()
    }
}

impl Section for RotationConfig {
    const NAME: &'static str = "rotation";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        let longest = Duration::from_secs(600);
        for (key, value) in [
            ("retry_window", self.retry_window),
            ("reuse_leeway", self.reuse_leeway),
        ] {
            within(&mut complaints, key, value, Duration::ZERO, longest);
        }
        complaints.into_vec()
    }
}

impl Section for HashingConfig {
    const NAME: &'static str = "password";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.unless(
            self.threads <= 1024,
            "threads",
            "must be 0 (one for each core) to 1024",
        );
        complaints.unless(
            (1..=100_000).contains(&self.queue),
            "queue",
            "must be 1 to 100000",
        );
        let (shortest, longest) = (Duration::from_millis(50), Duration::from_secs(60));
        within(&mut complaints, "deadline", self.deadline, shortest, longest);
        complaints.into_vec()
    }
}

impl Section for RegistrationConfig {
    const NAME: &'static str = "registration";
}

impl Section for AuditConfig {
    const NAME: &'static str = "audit";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        within(&mut complaints, "retention", self.retention, DAY, 36_500 * DAY);
        complaints.into_vec()
    }
}

impl Section for OauthConfig {
    const NAME: &'static str = "oauth";
}
