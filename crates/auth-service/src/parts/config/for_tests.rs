//! A valid configuration for unit tests.

use super::{
    AuditConfig, HashingConfig, OauthConfig, RegistrationConfig, RotationConfig, ServiceConfig,
    SessionConfig, TokensConfig,
};
use auth_domain::{
    keys::Algorithm, password::PasswordPolicy, password_hash::Argon2Params, role::RoleBook,
    rotation::OnConcurrent,
};
use std::time::Duration;

/// A configuration that signs with this algorithm.
pub(crate) fn signing_with(algorithm: Algorithm) -> ServiceConfig {
    let day = Duration::from_secs(86_400);
    let secret = match algorithm {
        Algorithm::HS256 => "a secret of thirty-two characters",
        _ => "",
    };
    ServiceConfig {
        issuer: "http://127.0.0.1:8080".to_owned(),
        issuer_follows_bind: false,
        service_name: "Keyward".to_owned(),
        tokens: TokensConfig {
            audience: "keyward".to_owned(),
            access_ttl: Duration::from_secs(3600),
            refresh_ttl: day,
            leeway: Duration::ZERO,
            algorithm,
            secret: secret.to_owned().into(),
        },
        session: SessionConfig {
            max_lifetime: day,
            max_per_user: 100,
        },
        rotation: RotationConfig {
            retry_window: Duration::ZERO,
            reuse_leeway: Duration::ZERO,
            on_concurrent: OnConcurrent::Refuse,
        },
        password: PasswordPolicy::default(),
        argon2: Argon2Params::default(),
        hashing: HashingConfig {
            threads: 1,
            queue: 1,
            deadline: Duration::from_secs(5),
        },
        registration: RegistrationConfig {
            open: true,
            require_verified_email: false,
            internationalised_addresses: true,
        },
        oauth: OauthConfig { password_grant: true },
        audit: AuditConfig {
            retention: day,
            record_refreshes: false,
        },
        roles: RoleBook::default(),
        link_base: "http://127.0.0.1:8080".to_owned(),
        print_links: false,
    }
}
