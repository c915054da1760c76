//! What the operations of every noun share: who makes a change and when, why it is refused, and which part of a list is wanted. The
//! rule: a change never reads a clock or a source of random bytes; its context brings them.

use auth_domain::{
    audit::Actor,
    ids::{ApiKeyId, ID_RANDOM_BYTES, SessionId},
    role::Role,
    time::{Span, Timestamp},
    user::Generation,
};
use std::net::IpAddr;
use uuid::Uuid;

/// Who requests a change and from where, as the audit log records it, and the random bytes for the ids of the rows that are written
/// with the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditContext {
    /// Who requests the change.
    pub actor: Actor,
    /// Their IP address.
    pub ip: Option<IpAddr>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// The caller's credential: the change is made only if it is still valid then.
    pub evidence: Option<Evidence>,
    /// Ten random bytes; no two changes share them.
    pub seed: [u8; ID_RANDOM_BYTES],
}

impl AuditContext {
    /// The caller's session.
    pub(crate) fn session(&self) -> Option<SessionId> {
        match &self.evidence {
            Some(Evidence::Session(evidence)) => Some(evidence.session),
            Some(Evidence::ApiKey(_)) | None => None,
        }
    }
}

/// The credential that the caller presented with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// An access token.
    Session(SessionEvidence),
    /// An API key.
    ApiKey(ApiKeyEvidence),
}

/// An API key, and the role that its owner had when the key was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyEvidence {
    /// The key.
    pub key: ApiKeyId,
    /// The role of its owner. The key has no permission that the role lacks.
    pub role: Role,
}

/// What a signed-in user's access token said when it was checked. Hashing a password takes time, and the user may be locked out
/// meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEvidence {
    /// The session.
    pub session: SessionId,
    /// The generation of its user.
    pub generation: Generation,
    /// Whether the user reauthenticated in this request. The session records that, together with the change.
    pub reauthenticated: bool,
}

/// When a change is made, by whom, and how long its revocations have to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeContext {
    /// The time, by the clock of the node that handles the request.
    pub now: Timestamp,
    /// The least `until` of a revocation that may affect tokens which no session row records.
    pub until_at_least: Timestamp,
    /// How long a revocation is kept after the last token expires ([`auth_domain::revocation::grace`]).
    pub grace: Span,
    /// Who makes the change.
    pub by: AuditContext,
}

/// Which part of a list is wanted, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pagination {
    /// The last id of the previous page.
    pub after: Option<Uuid>,
    /// The most entries that are returned.
    pub limit: u32,
}

/// Why a change of a user or a session was not made. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no such user or session.
    NotFound,
    /// The caller's session or API key has ended, or the caller's tokens were revoked, since the request came in.
    CallerRevoked,
    /// The user is the last administrator.
    LastAdmin,
}
