//! What operations of every noun share: who makes a change and when, why it is refused, and which part of a list is wanted.

use auth_domain::{
    audit::Actor,
    ids::{ApiKeyId, ID_RANDOM_BYTES, SessionId},
    role::Role,
    time::{Span, Timestamp},
    user::Generation,
};
use std::net::IpAddr;
use uuid::Uuid;

/// Who asks for a change and where from, as the audit log says it, and the random bytes that the ids of what is written beside
/// the change are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditContext {
    /// Who.
    pub actor: Actor,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// Under which request id.
    pub request_id: Option<String>,
    /// What the caller showed: the change is made only if it still holds then.
    pub held: Option<Evidence>,
    /// Ten random bytes; no two changes share them.
    pub seed: [u8; ID_RANDOM_BYTES],
}

impl AuditContext {
    /// The session in which the caller asks.
    pub(crate) fn session(&self) -> Option<SessionId> {
        match &self.held {
            Some(Evidence::Session(held)) => Some(held.session),
            Some(Evidence::ApiKey(_)) | None => None,
        }
    }
}

/// What a caller showed when the request came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// An access token.
    Session(SessionEvidence),
    /// An API key.
    ApiKey(ApiKeyEvidence),
}

/// An API key, and the role of its owner when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyEvidence {
    /// The key.
    pub key: ApiKeyId,
    /// The role of its owner, without whose permissions the key has none.
    pub role: Role,
}

/// What a signed-in user's token said when it was looked at. A password takes its time to hash, and a lock-out may come in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEvidence {
    /// The session.
    pub session: SessionId,
    /// The generation of its user.
    pub generation: Generation,
    /// Whether the user proved anew in this request who they are. The change that they confirmed by it counts in the session.
    pub reauthenticated: bool,
}

/// When a change is made, by whom, and how long what it ends has to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeContext {
    /// The clock of the node that was asked.
    pub now: Timestamp,
    /// The least `until` of a revocation that hits tokens which no session row knows of.
    pub until_at_least: Timestamp,
    /// What is added to the expiry of the last token ([`auth_domain::revocation::grace`]).
    pub grace: Span,
    /// Who makes it.
    pub by: AuditContext,
}

/// Which part of a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pagination {
    /// The last id of the page before.
    pub after: Option<Uuid>,
    /// How many.
    pub limit: u32,
}

/// Why a change of a user or a session was not made. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no such user or session.
    NotFound,
    /// The caller's session or API key has ended, or the caller's rights were cut, since the request came in.
    CallerRevoked,
    /// The user is the last administrator.
    LastAdmin,
}
