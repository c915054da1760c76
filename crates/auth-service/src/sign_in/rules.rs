//! `rules`: the rules of this server, for a client to show before a request: the policy for passwords, who may register, the
//! limits. The rule of this module: it stores, counts and logs nothing.

use crate::{
    parts::{config::RegistrationConfig, failure::Failure},
    service::Service,
};
use auth_domain::{
    email::EmailAddress,
    password::{PasswordPolicy, PasswordViolation},
    user::DisplayName,
};
use auth_limits::LimitName;
use secrecy::SecretString;
use std::time::Duration;

/// The limits as they are configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredLimits {
    /// Whether anything is counted at all.
    pub enabled: bool,
    /// The limits.
    pub limits: Vec<ConfiguredLimit>,
}

/// One limit as it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfiguredLimit {
    /// Its name, which is also its key in `[limits]`.
    pub name: LimitName,
    /// How many requests are admitted at once.
    pub burst: u32,
    /// The time after which all of them are available again.
    pub per: Duration,
}

impl Service {
    /// Every rule that a new password would break, for a user with this address and this name, as far as these are typed: one that
    /// can't be parsed yet is ignored. Such a hint gives way to sign-ins: it runs on the hashing threads, one at a time and only
    /// while no password waits.
    ///
    /// # Errors
    /// [`Failure::Overloaded`], at once.
    pub async fn password_violations(
        &self,
        password: SecretString,
        email: Option<&str>,
        name: Option<&str>,
    ) -> Result<Vec<PasswordViolation>, Failure> {
        let email = email.and_then(|email| EmailAddress::parse(email).ok());
        let name = name.and_then(|name| DisplayName::parse(name).ok());
        self.hasher()
            .violations(password, email.as_ref(), name.as_ref())
            .await
    }

    /// The rules for new passwords.
    #[must_use]
    pub fn password_rules(&self) -> &PasswordPolicy {
        self.hasher().policy()
    }

    /// Who may register, and whether addresses have to be confirmed first.
    #[must_use]
    pub fn registration_config(&self) -> &RegistrationConfig {
        &self.config().registration
    }

    /// The limits.
    #[must_use]
    pub fn configured_limits(&self) -> ConfiguredLimits {
        let config = self.state().limits.config();
        ConfiguredLimits {
            enabled: config.enabled,
            limits: config
                .all()
                .map(|(name, limit)| ConfiguredLimit {
                    name,
                    burst: limit.burst(),
                    per: limit.per(),
                })
                .collect(),
        }
    }
}
