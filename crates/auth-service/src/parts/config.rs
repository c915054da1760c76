//! The configuration of the use cases, and what follows from it.

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

/// The configuration of the use cases.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The `iss` of tokens: `server.public_url`.
    pub issuer: String,
    /// Whether no issuer is configured, so that it is the loopback address that the server listens on.
    pub issuer_follows_bind: bool,
    /// The name of the service. A password must not contain it.
    pub service_name: String,
    /// `[tokens]`.
    pub tokens: TokensConfig,
    /// `[session]`.
    pub session: SessionConfig,
    /// `[rotation]`.
    pub rotation: RotationConfig,
    /// The part of `[password]` with the rules for new passwords.
    pub password: PasswordPolicy,
    /// The part of `[password]` with the cost of new hashes.
    pub argon2: Argon2Params,
    /// The part of `[password]` about the hashing threads.
    pub hashing: HashingConfig,
    /// `[registration]`.
    pub registration: RegistrationConfig,
    /// `[oauth]`.
    pub oauth: OauthConfig,
    /// `[audit]`.
    pub audit: AuditConfig,
    /// `[roles]` and the built-in ones.
    pub roles: RoleBook,
    /// The URL that links in mails start with.
    pub link_base: String,
    /// Whether links in mails are logged, for development.
    pub print_links: bool,
}

/// A configured duration as the domain's span. Validation keeps every duration far below where this could overflow.
pub(crate) fn span(duration: Duration) -> Span {
    Span::from_std(duration).unwrap_or(Span::MAX)
}

impl ServiceConfig {
    /// The issuer whose tokens are accepted.
    #[must_use]
    pub fn issuer(&self) -> Issuer<'_> {
        if self.issuer_follows_bind {
            Issuer::Loopback
        } else {
            Issuer::Named(&self.issuer)
        }
    }

    /// The algorithms whose keys this server creates and rotates.
    #[must_use]
    pub fn key_algorithms(&self) -> Vec<Algorithm> {
        match self.tokens.algorithm {
            Algorithm::HS256 => Vec::new(),
            algorithm => vec![algorithm],
        }
    }

    /// The lifetimes of tokens and sessions.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            access: span(self.tokens.access_ttl),
            refresh: span(self.tokens.refresh_ttl),
            session: span(self.session.max_lifetime),
        }
    }

    /// The policy that decides on a presented refresh token.
    #[must_use]
    pub fn rotation_policy(&self) -> RotationPolicy {
        RotationPolicy {
            retry_window: span(self.rotation.retry_window),
            reuse_leeway: span(self.rotation.reuse_leeway),
            on_concurrent: self.rotation.on_concurrent,
            lifetimes: self.lifetimes(),
        }
    }

    /// How far the clocks of two machines may differ.
    #[must_use]
    pub fn leeway(&self) -> Span {
        span(self.tokens.leeway)
    }
}
