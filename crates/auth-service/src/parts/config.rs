//! What an operator may set of the use cases. Each section is checked as a whole, and says all that is wrong with it.

use auth_domain::{
    claims::Issuer,
    lineage::Lifetimes,
    password::PasswordPolicy,
    password_hash::Argon2Params,
    role::RoleBook,
    rotation::{OnConcurrent, RotationPolicy},
    time::Span,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;

/// A key of a section and what is wrong with its value.
pub type Complaint = (&'static str, String);

/// How access tokens are signed: `tokens.algorithm` (RFC 7518 §3.1, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA with 2048 bits, PKCS #1 v1.5.
    RS256,
    /// HMAC with a secret that the services share.
    HS256,
}

/// `[tokens]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// The `aud` of access tokens.
    pub audience: String,
    /// How long an access token lives.
    #[serde(with = "humantime_serde")]
    pub access_ttl: Duration,
    /// How long a refresh token lives, from its issue.
    #[serde(with = "humantime_serde")]
    pub refresh_ttl: Duration,
    /// How far the clocks of two machines may be apart.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
    /// How access tokens are signed.
    pub algorithm: Algorithm,
    /// The shared secret of HS256, at least 32 bytes; empty for the other algorithms.
    pub secret: SecretString,
}

/// `[session]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// How long a session lives, however often it is refreshed.
    #[serde(with = "humantime_serde")]
    pub max_lifetime: Duration,
    /// How many live sessions a user may have; a further sign-in ends the oldest.
    pub max_per_user: u32,
}

/// `[rotation]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationConfig {
    /// How long a refresh may be repeated with its `Idempotency-Key`.
    #[serde(with = "humantime_serde")]
    pub retry_window: Duration,
    /// How long the token before the current one is not taken for a copy.
    #[serde(with = "humantime_serde")]
    pub reuse_leeway: Duration,
    /// What it gets in that time.
    pub on_concurrent: OnConcurrent,
}

/// `[password]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordConfig {
    /// The fewest characters, in code points.
    pub min_length: usize,
    /// The most characters, in code points.
    pub max_length: usize,
    /// The least zxcvbn score, 0–4.
    pub min_score: u8,
    /// Whether a lower-case letter is asked for.
    pub require_lowercase: bool,
    /// Whether an upper-case letter is asked for.
    pub require_uppercase: bool,
    /// Whether a digit is asked for.
    pub require_digit: bool,
    /// Whether another character is asked for.
    pub require_symbol: bool,
    /// Argon2id's memory, in KiB.
    pub memory_kib: u32,
    /// Argon2id's passes.
    pub iterations: u32,
    /// Argon2id's lanes.
    pub parallelism: u32,
    /// How many threads hash; 0 is one a core.
    pub threads: usize,
    /// How many passwords may wait for them.
    pub queue: usize,
    /// How long one may wait before it is refused.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

/// `[registration]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationConfig {
    /// Whether anybody may register.
    pub open: bool,
    /// Whether an address has to be verified before its user gets tokens.
    pub require_verified_email: bool,
    /// Whether addresses with characters beyond ASCII may register, and be changed to.
    pub internationalised_addresses: bool,
}

/// `[audit]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// How long the audit log is kept.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
    /// Whether every refresh is noted, too: a row each.
    pub record_refreshes: bool,
}

/// `[oauth]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthConfig {
    /// Whether `/token` takes `grant_type=password`, for the older services' clients (against RFC 9700 §2.4).
    pub password_grant: bool,
}

/// What the use cases need to know.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The `iss` of tokens: `server.public_url`.
    pub issuer: String,
    /// Whether the issuer is only the loopback address that the server happens to listen on, because none was configured.
    pub issuer_follows_bind: bool,
    /// What the service is called; a password may not be it.
    pub service_name: String,
    /// `[tokens]`.
    pub tokens: TokensConfig,
    /// `[session]`.
    pub session: SessionConfig,
    /// `[rotation]`.
    pub rotation: RotationConfig,
    /// `[password]`.
    pub password: PasswordConfig,
    /// `[registration]`.
    pub registration: RegistrationConfig,
    /// `[oauth]`.
    pub oauth: OauthConfig,
    /// `[audit]`.
    pub audit: AuditConfig,
    /// `[roles]` and the built-in ones.
    pub roles: RoleBook,
    /// What mailed links start with.
    pub link_base: String,
    /// Whether mailed links are written to the log, for development.
    pub print_links: bool,
}

const DAY: Duration = Duration::from_secs(86_400);

fn within(
    complaints: &mut Vec<Complaint>,
    key: &'static str,
    value: Duration,
    least: Duration,
    most: Duration,
) {
    if value < least || value > most {
        complaints.push((key, format!("must be {} to {}", words(least), words(most))));
    }
}

fn words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// A configured duration as the domain's span. Validation keeps every duration far below where this could overflow.
pub(crate) fn span(duration: Duration) -> Span {
    Span::from_std(duration).unwrap_or(Span::MAX)
}

impl TokensConfig {
    /// What is wrong with the section.
    #[must_use]
    pub fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        within(
            &mut complaints,
            "access_ttl",
            self.access_ttl,
            Duration::from_secs(5),
            DAY,
        );
        within(
            &mut complaints,
            "refresh_ttl",
            self.refresh_ttl,
            Duration::from_secs(5),
            3650 * DAY,
        );
        within(
            &mut complaints,
            "leeway",
            self.leeway,
            Duration::ZERO,
            Duration::from_secs(120),
        );
        if self.access_ttl > self.refresh_ttl {
            complaints.push((
                "access_ttl",
                "must not be longer than tokens.refresh_ttl".to_owned(),
            ));
        }
        if self.audience.is_empty() {
            complaints.push(("audience", "must not be empty".to_owned()));
        }
        let secret = self.secret.expose_secret().len();
        match self.algorithm {
            Algorithm::HS256 if secret < 32 => {
                complaints.push((
                    "secret",
                    "HS256 needs a shared secret of at least 32 bytes (RFC 7518 §3.2)".to_owned(),
                ));
            }
            Algorithm::HS256 => {}
            _ if secret > 0 => complaints.push((
                "secret",
                "is for HS256 alone; set tokens.algorithm to HS256".to_owned(),
            )),
            _ => {}
        }
        complaints
    }
}

impl SessionConfig {
    /// What is wrong with the section.
    #[must_use]
    pub fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        within(
            &mut complaints,
            "max_lifetime",
            self.max_lifetime,
            Duration::from_secs(60),
            3650 * DAY,
        );
        if !(1..=10_000).contains(&self.max_per_user) {
            complaints.push(("max_per_user", "must be 1 to 10000".to_owned()));
        }
        complaints
    }
}

impl AuditConfig {
    /// What is wrong with the section.
    #[must_use]
    pub fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        within(&mut complaints, "retention", self.retention, DAY, 36_500 * DAY);
        complaints
    }
}

impl RotationConfig {
    /// What is wrong with the section.
    #[must_use]
    pub fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        within(
            &mut complaints,
            "retry_window",
            self.retry_window,
            Duration::ZERO,
            Duration::from_secs(600),
        );
        within(
            &mut complaints,
            "reuse_leeway",
            self.reuse_leeway,
            Duration::ZERO,
            Duration::from_secs(600),
        );
        complaints
    }
}

impl PasswordConfig {
    /// The policy for new passwords.
    #[must_use]
    pub fn policy(&self) -> PasswordPolicy {
        PasswordPolicy {
            min_length: self.min_length,
            max_length: self.max_length,
            min_score: self.min_score,
            require_lowercase: self.require_lowercase,
            require_uppercase: self.require_uppercase,
            require_digit: self.require_digit,
            require_symbol: self.require_symbol,
        }
    }

    /// The cost of new hashes.
    #[must_use]
    pub fn params(&self) -> Argon2Params {
        Argon2Params {
            memory_kib: self.memory_kib,
            iterations: self.iterations,
            parallelism: self.parallelism,
        }
    }

    /// What is wrong with the section.
    #[must_use]
    pub fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if !(8..=64).contains(&self.min_length) {
            complaints.push((
                "min_length",
                "must be 8 to 64 (NIST SP 800-63B §3.1.1.2)".to_owned(),
            ));
        }
        if !(64..=512).contains(&self.max_length) {
            complaints.push((
                "max_length",
                "must be 64 to 512 (NIST SP 800-63B §3.1.1.2)".to_owned(),
            ));
        }
        if self.min_score > 4 {
            complaints.push(("min_score", "must be 0 to 4".to_owned()));
        }
        if let Err(faults) = self.params().validate() {
            complaints.extend(faults.into_iter().map(|fault| ("memory_kib", fault)));
        }
        if self.threads > 1024 {
            complaints.push(("threads", "must be 0 (one a core) to 1024".to_owned()));
        }
        if !(1..=100_000).contains(&self.queue) {
            complaints.push(("queue", "must be 1 to 100000".to_owned()));
        }
        within(
            &mut complaints,
            "deadline",
            self.deadline,
            Duration::from_millis(50),
            Duration::from_secs(60),
        );
        complaints
    }
}

impl ServiceConfig {
    /// Whose tokens are accepted.
    #[must_use]
    pub fn issuer(&self) -> Issuer<'_> {
        if self.issuer_follows_bind {
            Issuer::Loopback
        } else {
            Issuer::Named(&self.issuer)
        }
    }

    /// How long tokens and sessions live.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            access: span(self.tokens.access_ttl),
            refresh: span(self.tokens.refresh_ttl),
            session: span(self.session.max_lifetime),
        }
    }

    /// What decides on a presented refresh token.
    #[must_use]
    pub fn rotation_policy(&self) -> RotationPolicy {
        RotationPolicy {
            retry_window: span(self.rotation.retry_window),
            reuse_leeway: span(self.rotation.reuse_leeway),
            on_concurrent: self.rotation.on_concurrent,
            lifetimes: self.lifetimes(),
        }
    }

    /// How far the clocks of two machines may be apart.
    #[must_use]
    pub fn leeway(&self) -> Span {
        span(self.tokens.leeway)
    }
}
