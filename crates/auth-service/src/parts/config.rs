//! What the use cases need to know of the configuration, and what follows from it.

#[cfg(test)]
pub(crate) mod for_tests;
mod sections;

pub use sections::{
    AuditConfig, HashingConfig, OauthConfig, RegistrationConfig, RotationConfig, SessionConfig, TokensConfig,
};

use auth_domain::{
    claims::Issuer, keys::Algorithm, lineage::Lifetimes, password::PasswordPolicy,
    password_hash::Argon2Params, role::RoleBook, rotation::RotationPolicy, time::Span,
};
use std::time::Duration;

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
    /// What of `[password]` says what a new password must be.
    pub password: PasswordPolicy,
    /// What of `[password]` new hashes cost.
    pub argon2: Argon2Params,
    /// What of `[password]` steers the hashing threads.
    pub hashing: HashingConfig,
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

/// A configured duration as the domain's span. Validation keeps every duration far below where this could overflow.
pub(crate) fn span(duration: Duration) -> Span {
    Span::from_std(duration).unwrap_or(Span::MAX)
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

    /// The algorithms that sign tokens with keys of this server's: those whose keys it makes and rotates.
    #[must_use]
    pub fn key_algorithms(&self) -> Vec<Algorithm> {
        match self.tokens.algorithm {
            Algorithm::HS256 => Vec::new(),
            algorithm => vec![algorithm],
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
