//! The caller of a use case: who they are, when and from where they call. The audit log records it with a change.

use crate::parts::{
    entropy::{Entropy, EntropyFailed, random_bytes},
    principal::{Bearer, Principal},
};
use auth_domain::{audit::Actor, session::Origin, time::Timestamp};
use auth_storage::{ApiKeyEvidence, AuditContext, Evidence, SessionEvidence};
use secrecy::SecretString;

/// The caller of a use case, read once from the request and passed on.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The time of the request.
    pub now: Timestamp,
    /// Who they are, as far as that is proved.
    pub actor: Actor,
    /// Where the request came from.
    pub origin: Origin,
    /// The request's id.
    pub request_id: Option<String>,
    /// The credential that the caller presented. It has to be valid still when a change is committed.
    pub evidence: Option<Evidence>,
    /// The device token that the caller presented, if any.
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
            evidence: None,
            device: None,
        }
    }

    /// The caller, as the audit log records them.
    pub(crate) fn audit_context(&self, entropy: &dyn Entropy) -> Result<AuditContext, EntropyFailed> {
        Ok(AuditContext {
            actor: self.actor,
            ip: self.origin.ip,
            request_id: self.request_id.clone(),
            evidence: self.evidence.clone(),
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
            evidence: Some(Evidence::Session(SessionEvidence {
                session: principal.session(),
                generation: principal.claims.generation,
                reauthenticated: false,
            })),
            ..self
        }
    }

    /// The same caller, signed in, who reauthenticated in this request.
    #[must_use]
    pub(crate) fn reauthenticated(self) -> Self {
        let evidence = self.evidence.map(|evidence| match evidence {
            Evidence::Session(session) => Evidence::Session(SessionEvidence {
                reauthenticated: true,
                ..session
            }),
            key @ Evidence::ApiKey(_) => key,
        });
        Self { evidence, ..self }
    }

    /// The same caller, who presented a valid bearer token.
    #[must_use]
    pub fn bearing(self, bearer: &Bearer) -> Self {
        match bearer {
            Bearer::Session(principal) => self.signed_in(principal),
            Bearer::Key(holder) => Self {
                actor: bearer.actor(),
                evidence: Some(Evidence::ApiKey(ApiKeyEvidence {
                    key: holder.key.id,
                    role: holder.owner.role.clone(),
                })),
                ..self
            },
        }
    }
}
