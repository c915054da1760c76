//! The authenticated caller: a signed-in user, or a script with an API key.

use auth_domain::{
    audit::Actor,
    claims::AccessClaims,
    ids::{SessionId, UserId},
    role::Role,
};
use auth_storage::api_keys;
use std::sync::Arc;

/// A user with a valid access token.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The claims of the token.
    pub claims: Arc<AccessClaims>,
}

impl Principal {
    /// The user.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.claims.sub
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.claims.sid
    }

    /// The role. A change of role revokes the tokens that name the old one.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.claims.role
    }
}

/// The holder of a valid bearer token: a signed-in user, or a script with an API key.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// An access token.
    Session(Principal),
    /// An API key.
    Key(Box<api_keys::Holder>),
}

impl Bearer {
    /// The user.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Self::Session(principal) => principal.user(),
            Self::Key(holder) => holder.owner.id,
        }
    }

    /// The actor, as the audit log records it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Session(principal) => Actor::User(principal.user()),
            Self::Key(holder) => Actor::ApiKey(holder.key.id, holder.owner.id),
        }
    }
}
