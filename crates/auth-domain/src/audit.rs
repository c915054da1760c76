//! Events of the audit log: who did what to whom, when and from where. An event names users by their ids and never by an address,
//! so that the erasure of a user leaves the chain of seals intact. It never holds a secret.
//!
//! A seal is computed over [`AuditEvent::canonical`], which encodes an event in one way, whichever database stores it.

mod redacted;
mod seal;

pub use redacted::{ActorKind, RedactedEvent};
pub use seal::{
    ChainHead, ChainPosition, LONGEST_WRITE, NotSealed, Seal, SealFormat, may_be_sealed, sealed_bytes,
};

use crate::{
    ids::{ApiKeyId, AuditEventId, SessionId, UserId},
    time::Timestamp,
    word::NewerWord,
};
use std::{collections::BTreeMap, net::IpAddr, str::FromStr};

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A caller who is not authenticated.
    Anonymous,
    /// A signed-in user.
    User(UserId),
    /// A script that used an API key of this user.
    ApiKey(ApiKeyId, UserId),
    /// The operator at the command line.
    Operator,
    /// The service itself.
    Service,
    /// A kind that only a newer version knows, with the user and the key that it stored.
    Newer(NewerWord, Option<UserId>, Option<ApiKeyId>),
}

impl Actor {
    /// The word that is stored and shown.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User(_) => "user",
            Self::ApiKey(..) => "api_key",
            Self::Operator => "operator",
            Self::Service => "service",
            Self::Newer(word, ..) => word.as_str(),
        }
    }

    /// The user behind it.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) | Self::ApiKey(_, user) => Some(user),
            Self::Anonymous | Self::Operator | Self::Service => None,
            Self::Newer(_, user, _) => user,
        }
    }

    /// The API key that was used.
    #[must_use]
    pub const fn api_key(self) -> Option<ApiKeyId> {
        match self {
            Self::ApiKey(key, _) => Some(key),
            Self::Newer(_, _, key) => key,
            _ => None,
        }
    }

    /// The actor of a stored kind, user and key; `None` where they fit no actor.
    #[must_use]
    pub fn from_parts(kind: &str, user: Option<UserId>, key: Option<ApiKeyId>) -> Option<Self> {
        match (kind, user, key) {
            ("anonymous", None, None) => Some(Self::Anonymous),
            ("user", Some(user), None) => Some(Self::User(user)),
            ("api_key", Some(user), Some(key)) => Some(Self::ApiKey(key, user)),
            ("operator", None, None) => Some(Self::Operator),
            ("service", None, None) => Some(Self::Service),
            ("anonymous" | "user" | "api_key" | "operator" | "service", ..) => None,
            _ => NewerWord::parse(kind).map(|word| Self::Newer(word, user, key)),
        }
    }
}

/// The text names no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such action")]
pub struct NotAnAction;

macro_rules! actions {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal;)+) => {
        /// What was done, or refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[doc = $doc])* $name,)+
            /// An action of a newer version: it is read, shown, sealed and verified, and never written.
            Newer(NewerWord),
        }

        impl Action {
            /// Every action that this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word that is stored and shown.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $word,)+
                    Self::Newer(word) => word.as_str(),
                }
            }

            /// Reads what is stored. `None`: no version would store such a text.
            #[must_use]
            pub fn stored(text: &str) -> Option<Self> {
                let known = text.parse().ok();
                known.or_else(|| NewerWord::parse(text).map(Self::Newer))
            }
        }

        impl FromStr for Action {
            type Err = NotAnAction;

            fn from_str(text: &str) -> Result<Self, NotAnAction> {
                match text {
                    $($word => Ok(Self::$name),)+
                    _ => Err(NotAnAction),
                }
            }
        }
    };
}

actions! {
    /// A user registered.
    Registered = "registered";
    /// A registration used the address of a verified user.
    RegistrationRefused = "registration_refused";
    /// The first administrator was created.
    SetUp = "set_up";
    /// The token that creates the first administrator was issued.
    SetupTokenIssued = "setup_token_issued";
    /// A sign-in.
    SignedIn = "signed_in";
    /// A sign-in, or another check of the password, failed.
    SignInFailed = "sign_in_failed";
    /// A session ended; `reason` says why.
    SessionEnded = "session_ended";
    /// An access token was revoked on its own (RFC 7009).
    TokenRevoked = "token_revoked";
    /// All sessions of a user ended; `reason` says why.
    AllSessionsEnded = "all_sessions_ended";
    /// A refresh, where `audit.record_refreshes` is on.
    Refreshed = "refreshed";
    /// A used refresh token was presented again: its session was ended (RFC 9700 §4.14.2).
    RefreshTokenReused = "refresh_token_reused";
    /// A reset link was requested.
    PasswordResetRequested = "password_reset_requested";
    /// A password was reset by a mailed link.
    PasswordReset = "password_reset";
    /// A user changed their password.
    PasswordChanged = "password_changed";
    /// An operator set a password.
    PasswordSet = "password_set";
    /// An address was confirmed.
    EmailVerified = "email_verified";
    /// A change of the address was requested.
    EmailChangeRequested = "email_change_requested";
    /// An address was changed.
    EmailChanged = "email_changed";
    /// A user answered a mailed notice with "this was not me": every credential ended.
    Reported = "reported";
    /// An administrator created a user.
    UserCreated = "user_created";
    /// Users were imported; `count` says how many.
    UsersImported = "users_imported";
    /// A user's name or verification was changed.
    UserUpdated = "user_updated";
    /// A user got another role.
    RoleChanged = "role_changed";
    /// A user was disabled.
    UserDisabled = "user_disabled";
    /// A user was enabled again.
    UserEnabled = "user_enabled";
    /// A user was locked out: every credential ended.
    UserLockedOut = "user_locked_out";
    /// A user was deleted.
    UserDeleted = "user_deleted";
    /// A user exported everything that is stored about them.
    Exported = "exported";
    /// An API key was created.
    ApiKeyCreated = "api_key_created";
    /// An API key was revoked.
    ApiKeyRevoked = "api_key_revoked";
    /// The signing keys were rotated; `compromised` says whether the old one was dropped.
    KeysRotated = "keys_rotated";
    /// The secrets that the master key encrypts were encrypted with another one.
    KeysResealed = "keys_resealed";
    /// A machine client was registered.
    ClientCreated = "client_created";
    /// A machine client was removed.
    ClientDeleted = "client_deleted";
    /// A limit refused requests; `count` says how many within the minute.
    LimitRefused = "limit_refused";
    /// Old batches were removed; `up_to` is the last of them.
    AuditPruned = "audit_pruned";
    /// An operator accepted the chain of seals as it stands; `up_to` is its newest seal.
    AuditAccepted = "audit_accepted";
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its id; sorts by time.
    pub id: AuditEventId,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// The user it concerns.
    pub subject: Option<UserId>,
    /// The session it concerns.
    pub session: Option<SessionId>,
    /// Where the request came from.
    pub ip: Option<IpAddr>,
    /// The request's id.
    pub request_id: Option<String>,
    /// Further details; never addresses or secrets.
    pub details: BTreeMap<String, String>,
}

impl AuditEvent {
    /// The bytes that a seal covers. Every field has its length in front, so that no two events have the same bytes.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let mut field = |value: Option<&[u8]>| match value {
            None => out.push(0),
            Some(bytes) => {
                out.push(1);
                out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
                out.extend_from_slice(bytes);
            }
        };
        field(Some(self.id.as_uuid().as_bytes()));
        field(Some(&self.at.timestamp_micros().to_be_bytes()));
        field(Some(self.actor.kind().as_bytes()));
        field(
            self.actor
                .user()
                .map(|id| *id.as_uuid().as_bytes())
                .as_ref()
                .map(<[u8; 16]>::as_slice),
        );
        field(
            self.actor
                .api_key()
                .map(|id| *id.as_uuid().as_bytes())
                .as_ref()
                .map(<[u8; 16]>::as_slice),
        );
        field(Some(self.action.as_str().as_bytes()));
        field(
            self.subject
                .map(|id| *id.as_uuid().as_bytes())
                .as_ref()
                .map(<[u8; 16]>::as_slice),
        );
        field(
            self.session
                .map(|id| *id.as_uuid().as_bytes())
                .as_ref()
                .map(<[u8; 16]>::as_slice),
        );
        field(self.ip.map(|ip| ip.to_string()).as_ref().map(String::as_bytes));
        field(self.request_id.as_ref().map(String::as_bytes));
        for (name, value) in &self.details {
            field(Some(name.as_bytes()));
            field(Some(value.as_bytes()));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use uuid::Uuid;

    pub(super) fn event() -> AuditEvent {
        AuditEvent {
            id: AuditEventId::from_uuid(Uuid::from_u128(1)),
            at: DateTime::from_timestamp_micros(5).unwrap(),
            actor: Actor::User(UserId::from_uuid(Uuid::from_u128(2))),
            action: Action::SignedIn,
            subject: None,
            session: None,
            ip: None,
            request_id: None,
            details: BTreeMap::new(),
        }
    }

    #[test]
    fn every_action_has_a_word_of_its_own() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
        }
        assert_eq!("danced".parse::<Action>(), Err(NotAnAction));
    }

    #[test]
    fn an_actor_comes_back_from_its_parts() {
        let (user, key) = (
            UserId::from_uuid(Uuid::from_u128(2)),
            ApiKeyId::from_uuid(Uuid::from_u128(3)),
        );
        for actor in [
            Actor::Anonymous,
            Actor::User(user),
            Actor::ApiKey(key, user),
            Actor::Operator,
            Actor::Service,
        ] {
            assert_eq!(
                Actor::from_parts(actor.kind(), actor.user(), actor.api_key()),
                Some(actor)
            );
        }
        assert_eq!(Actor::from_parts("user", None, None), None);
        assert_eq!(Actor::from_parts("operator", Some(user), None), None);
    }

    #[test]
    fn a_change_of_any_field_changes_the_spelling() {
        let plain = event();
        let id = Uuid::from_u128(9);
        let changed = [
            AuditEvent {
                id: AuditEventId::from_uuid(id),
                ..plain.clone()
            },
            AuditEvent {
                at: DateTime::from_timestamp_micros(6).unwrap(),
                ..plain.clone()
            },
            AuditEvent {
                actor: Actor::Operator,
                ..plain.clone()
            },
            AuditEvent {
                action: Action::SignInFailed,
                ..plain.clone()
            },
            AuditEvent {
                subject: Some(UserId::from_uuid(id)),
                ..plain.clone()
            },
            AuditEvent {
                session: Some(SessionId::from_uuid(id)),
                ..plain.clone()
            },
            AuditEvent {
                ip: Some("192.0.2.1".parse().unwrap()),
                ..plain.clone()
            },
            AuditEvent {
                request_id: Some(String::new()),
                ..plain.clone()
            },
            AuditEvent {
                details: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
                ..plain.clone()
            },
            AuditEvent {
                details: BTreeMap::from([("ab".to_owned(), String::new())]),
                ..plain.clone()
            },
        ];
        let mut spellings: Vec<Vec<u8>> = changed.iter().map(AuditEvent::canonical).collect();
        spellings.push(plain.canonical());
        let all = spellings.len();
        spellings.sort();
        spellings.dedup();
        assert_eq!(spellings.len(), all);
    }
}
