//! An event as a user may see it who is no administrator: of other users' actions it hides who acted and from where.

use super::{Action, Actor, AuditEvent};
use crate::{ids::UserId, time::Timestamp};
use std::{collections::BTreeMap, net::IpAddr};

/// Who acted, as far as the reader may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// The reader.
    Own,
    /// A script that used an API key of the reader.
    OwnApiKey,
    /// Another user, or a script that used another user's API key.
    Administrator,
    /// The operator at the command line.
    Operator,
    /// The service itself.
    Service,
    /// A caller who is not authenticated.
    Anonymous,
}

/// An event as the reader may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactedEvent<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: Action,
    /// Who acted, as a kind.
    pub by: ActorKind,
    /// Who acted, with ids; `None` for another user.
    pub actor: Option<Actor>,
    /// Where the request came from, if it was not another user's.
    pub ip: Option<IpAddr>,
    /// The request's id, if it was not another user's.
    pub request_id: Option<&'a str>,
    /// Further details.
    pub details: &'a BTreeMap<String, String>,
}

impl AuditEvent {
    /// The event as this user may see it.
    ///
    /// ```
    /// use auth_domain::{
    ///     audit::{Action, Actor, AuditEvent, ActorKind},
    ///     ids::{AuditEventId, UserId},
    ///     time::Timestamp,
    /// };
    /// use std::collections::BTreeMap;
    ///
    /// let at = Timestamp::UNIX_EPOCH;
    /// let [ada, admin] = [1, 2].map(|byte| UserId::from_parts(at, [byte; 10]));
    /// let event = AuditEvent {
    ///     id: AuditEventId::from_parts(at, [3; 10]),
    ///     at,
    ///     actor: Actor::User(admin),
    ///     action: Action::UserDisabled,
    ///     subject: Some(ada),
    ///     session: None,
    ///     ip: Some([192, 0, 2, 1].into()),
    ///     request_id: None,
    ///     details: BTreeMap::new(),
    /// };
    ///
    /// // Ada sees that an administrator disabled the account, and not which one or from where.
    /// let seen = event.redacted_for(ada);
    /// assert_eq!((seen.by, seen.actor, seen.ip), (ActorKind::Administrator, None, None));
    /// assert_eq!(event.redacted_for(admin).by, ActorKind::Own);
    /// ```
    #[must_use]
    pub fn redacted_for(&self, reader: UserId) -> RedactedEvent<'_> {
        let by = match self.actor {
            Actor::User(user) if user == reader => ActorKind::Own,
            Actor::ApiKey(_, owner) if owner == reader => ActorKind::OwnApiKey,
            // The user sees that an administrator acted, and not which one.
            Actor::User(_) | Actor::ApiKey(..) | Actor::Newer(..) => ActorKind::Administrator,
            Actor::Operator => ActorKind::Operator,
            Actor::Service => ActorKind::Service,
            Actor::Anonymous => ActorKind::Anonymous,
        };
        // The origin of a failed sign-in is no other user's secret: its caller was not authenticated.
        let whole = by != ActorKind::Administrator;
        RedactedEvent {
            at: self.at,
            action: self.action,
            by,
            actor: whole.then_some(self.actor),
            ip: self.ip.filter(|_| whole),
            request_id: self.request_id.as_deref().filter(|_| whole),
            details: &self.details,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::tests::event, ids::ApiKeyId};
    use uuid::Uuid;

    #[test]
    fn of_what_others_did_nobody_is_told_who_and_from_where() {
        let user = |number| UserId::from_uuid(Uuid::from_u128(number));
        let key = ApiKeyId::from_uuid(Uuid::from_u128(9));
        let (reader, other) = (user(1), user(2));
        for (actor, by) in [
            (Actor::User(reader), ActorKind::Own),
            (Actor::ApiKey(key, reader), ActorKind::OwnApiKey),
            (Actor::User(other), ActorKind::Administrator),
            (Actor::ApiKey(key, other), ActorKind::Administrator),
            (Actor::Operator, ActorKind::Operator),
            (Actor::Service, ActorKind::Service),
            (
                Actor::from_parts("grant", Some(other), None).unwrap(),
                ActorKind::Administrator,
            ),
            (Actor::Anonymous, ActorKind::Anonymous),
        ] {
            let event = AuditEvent {
                actor,
                subject: Some(reader),
                ip: "192.0.2.7".parse().ok(),
                request_id: Some("request-7".to_owned()),
                details: BTreeMap::from([("reason".to_owned(), "ended_by_admin".to_owned())]),
                ..event()
            };
            let redacted = event.redacted_for(reader);
            let whole = by != ActorKind::Administrator;
            let expected = RedactedEvent {
                at: event.at,
                action: event.action,
                by,
                actor: whole.then_some(actor),
                ip: event.ip.filter(|_| whole),
                request_id: whole.then_some("request-7"),
                details: &event.details,
            };
            assert_eq!(redacted, expected);
        }
    }
}
