//! Who calls, when and from where: what a use case knows of its request, and what the audit log says of a change.

use crate::parts::{
    entropy::{Entropy, EntropyFailed, random_bytes},
    principal::{Bearer, Principal},
};
use auth_domain::{audit::Actor, session::Origin, time::Timestamp};
use auth_storage::{ApiKeyEvidence, AuditContext, Evidence, SessionEvidence};
use secrecy::SecretString;

/// Who calls, when and from where: read once at the edge and handed down. It is what the audit log says of a change.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The moment of the request.
    pub now: Timestamp,
    /// Who it is, as far as that is proved.
    pub actor: Actor,
    /// Where it came from.
    pub origin: Origin,
    /// The request's id.
    pub request_id: Option<String>,
    /// What the caller showed, which has to hold still when something is changed.
    pub held: Option<Evidence>,
    /// The device token that it showed, if any.
    pub device: Option<SecretString>,
}

impl Caller {
    /// The operator at the command line.
    #[must_use]
    pub fn operator(now: Timestamp) -> Self {
        Self::without_request(now, Actor::Operator)
    }

    /// The service itself.
    #[must_use]
    pub(crate) fn service(now: Timestamp) -> Self {
        Self::without_request(now, Actor::Service)
    }

    fn without_request(now: Timestamp, actor: Actor) -> Self {
        Self {
            now,
            actor,
            origin: Origin::new(None, None),
            request_id: None,
            held: None,
            device: None,
        }
    }

    /// The caller as the author of a change.
    pub(crate) fn audit_context(&self, entropy: &dyn Entropy) -> Result<AuditContext, EntropyFailed> {
        Ok(AuditContext {
            actor: self.actor,
            ip: self.origin.ip,
            request_id: self.request_id.clone(),
            evidence: self.held.clone(),
            seed: random_bytes(entropy)?,
        })
    }

    /// The same caller, authenticated as this actor.
    #[must_use]
    pub fn authenticated_as(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// The same caller, signed in.
    #[must_use]
    pub fn signed_in(self, principal: &Principal) -> Self {
        Self {
            actor: Actor::User(principal.user()),
            held: Some(Evidence::Session(SessionEvidence {
                session: principal.session(),
                generation: principal.claims.generation,
                reauthenticated: false,
            })),
            ..self
        }
    }

    /// The same caller, signed in, who proved anew in this request who they are.
    #[must_use]
    pub(crate) fn reauthenticated(self) -> Self {
        let held = self.held.map(|held| match held {
            Evidence::Session(held) => Evidence::Session(SessionEvidence {
                reauthenticated: true,
                ..held
            }),
            key @ Evidence::ApiKey(_) => key,
        });
        Self { held, ..self }
    }

    /// The same caller, who showed a bearer token that holds.
    #[must_use]
    pub fn bearing(self, bearer: &Bearer) -> Self {
        match bearer {
            Bearer::Session(principal) => self.signed_in(principal),
            Bearer::Key(holder) => Self {
                actor: bearer.actor(),
                held: Some(Evidence::ApiKey(ApiKeyEvidence {
                    key: holder.key.id,
                    role: holder.owner.role.clone(),
                })),
                ..self
            },
        }
    }
}
