//! What is written with a change, in its transaction: rows of the audit log (docs/rules.md §9), mails (§8) and revocations (§1). The
//! rule: they are written if and only if the change is. [`AuditWriter`] writes only audit rows. Mails and revocations go through
//! [`SideEffects`], which remembers what has to be done after the commit.

use super::Conn;
use crate::{
    audit::NewAuditRow,
    committed::{CommitEffects, Committed},
    context::{AuditContext, ChangeContext},
    fault::Fault,
    outbox::NewMailRow,
    prepared::Prepare as _,
    revocations::NewRevocationRow,
    schema::{audit_events, outbox, revocations},
    sqlty::{Id, Ts},
};
use auth_domain::{
    audit::{Action, Actor, AuditEvent},
    ids::{AuditEventId, ID_RANDOM_BYTES, MailId, SessionId, UserId},
    mail::MailKind,
    revocation::Revocation,
    time::Timestamp,
};
use diesel::{dsl::case_when, prelude::*, upsert::excluded};
use std::collections::BTreeMap;

/// Writes the audit rows of one change.
pub(crate) struct AuditWriter<'a> {
    by: &'a AuditContext,
    now: Timestamp,
    written: u16,
}

/// A row of the audit log to be written.
pub(crate) struct AuditEntry {
    action: Action,
    actor: Option<Actor>,
    subject: Option<UserId>,
    session: Option<SessionId>,
    details: BTreeMap<String, String>,
}

impl AuditEntry {
    pub(crate) fn of(action: Action) -> Self {
        Self {
            action,
            actor: None,
            subject: None,
            session: None,
            details: BTreeMap::new(),
        }
    }

    /// Adds the user that it concerns.
    pub(crate) fn about(mut self, user: UserId) -> Self {
        self.subject = Some(user);
        self
    }

    /// Adds the user that it concerns, who also is the actor. The caller may have been anonymous until this change.
    pub(crate) fn by_subject(mut self, user: UserId) -> Self {
        self.actor = Some(Actor::User(user));
        self.about(user)
    }

    pub(crate) fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}

/// A mail to be queued.
pub(crate) struct OutboxMail {
    kind: MailKind,
    user: Option<UserId>,
    recipient: Option<String>,
    facts: BTreeMap<String, String>,
}

impl OutboxMail {
    /// A mail to a user's stored address.
    pub(crate) fn to(user: UserId, kind: MailKind) -> Self {
        Self {
            kind,
            user: Some(user),
            recipient: None,
            facts: BTreeMap::new(),
        }
    }

    /// A mail to an email address: the worker that sends it finds out in its next round which user has the address. It is not woken for
    /// this mail: its work for a known address could change the timing of the next request (docs/rules.md §8).
    pub(crate) fn to_address(recipient: &str, kind: MailKind) -> Self {
        Self {
            kind,
            user: None,
            recipient: Some(recipient.to_owned()),
            facts: BTreeMap::new(),
        }
    }

    /// Sends the mail to this address instead.
    pub(crate) fn at(mut self, recipient: impl ToString) -> Self {
        self.recipient = Some(recipient.to_string());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.facts.insert(name.to_owned(), value.to_string());
        }
        self
    }
}

impl<'a> AuditWriter<'a> {
    pub(crate) fn of(context: &'a ChangeContext) -> Self {
        Self {
            by: &context.by,
            now: context.now,
            written: 0,
        }
    }

    /// The random bytes for the id of the next row: those of the change, plus the number of rows so far.
    fn random_bytes(&mut self) -> [u8; ID_RANDOM_BYTES] {
        let mut random_bytes = self.by.seed;
        let [.., high, low] = &mut random_bytes;
        let counted = u16::from_be_bytes([*high, *low]).wrapping_add(self.written);
        [*high, *low] = counted.to_be_bytes();
        self.written = self.written.wrapping_add(1);
        random_bytes
    }

    pub(crate) fn audit(&mut self, c: &mut Conn, entry: AuditEntry) -> Result<(), Fault> {
        let event = AuditEvent {
            id: AuditEventId::from_parts(self.now, self.random_bytes()),
            at: self.now,
            actor: entry.actor.unwrap_or(self.by.actor),
            action: entry.action,
            subject: entry.subject,
            session: entry.session,
            ip: self.by.ip,
            request_id: self.by.request_id.clone(),
            details: entry.details,
        };
        let _recorded: Id = diesel::insert_into(audit_events::table)
            .values(NewAuditRow::of(&event))
            .returning(audit_events::id)
            .prepared()
            .get_result(c)?;
        Ok(())
    }
}

/// Writes the side effects of one change, and remembers what has to be done after the commit. Only the functions of [`super`] that
/// return a [`Committed`] create one.
pub(crate) struct SideEffects<'a> {
    audit: AuditWriter<'a>,
    /// The context of the change.
    pub(super) context: &'a ChangeContext,
    after: CommitEffects,
}

impl<'a> SideEffects<'a> {
    pub(super) fn of(context: &'a ChangeContext) -> Self {
        Self {
            audit: AuditWriter::of(context),
            context,
            after: CommitEffects::default(),
        }
    }

    /// The value of the change, with what has to be done after its commit.
    pub(super) fn committed<T>(self, value: T) -> Committed<T> {
        Committed::new(value, self.after)
    }

    /// Writes a row of the audit log.
    pub(crate) fn audit(&mut self, c: &mut Conn, entry: AuditEntry) -> Result<(), Fault> {
        self.audit.audit(c, entry)
    }

    /// Queues a mail, with the IP address that the request came from.
    pub(crate) fn mail(&mut self, c: &mut Conn, mail: OutboxMail) -> Result<(), Fault> {
        let id = MailId::from_parts(self.audit.now, self.audit.random_bytes());
        self.mail_as(c, id, mail)
    }

    /// The same with a given id, from which the mail's token was derived.
    pub(crate) fn mail_as(&mut self, c: &mut Conn, id: MailId, mail: OutboxMail) -> Result<(), Fault> {
        let mail = mail.with("ip", self.audit.by.ip);
        // A mail to an email address waits for the worker's next round, whether or not a user has the address.
        self.after.mail_queued |= mail.user.is_some();
        let _queued: Id = diesel::insert_into(outbox::table)
            .values(NewMailRow {
                id: Id(id.as_uuid()),
                kind: mail.kind.as_str(),
                user_id: mail.user.map(|id| Id(id.as_uuid())),
                recipient: mail.recipient,
                // A map of texts always has a JSON form.
                facts: serde_json::to_string(&mail.facts).unwrap_or_default(),
                created_at: Ts(self.audit.now),
            })
            .returning(outbox::id)
            .prepared()
            .get_result(c)?;
        Ok(())
    }

    /// Records a revocation. It must be among the last writes of a transaction: other nodes read it by the database's clock.
    pub(crate) fn revoke(&mut self, c: &mut Conn, revocation: Revocation) -> Result<(), Fault> {
        record(c, &revocation)?;
        self.after.revocations.push(revocation);
        Ok(())
    }
}

/// Records a revocation, only for [`SideEffects`]. If there is one already, the larger generation and the later expiry win, and it counts
/// as new, so that every node reads it again. It must be among the last writes of a transaction, because it stores the database's clock.
fn record(c: &mut Conn, revocation: &Revocation) -> Result<(), Fault> {
    use revocations as r;
    let _recorded: Id = diesel::insert_into(r::table)
        .values(NewRevocationRow::of(revocation))
        .on_conflict((r::id, r::kind))
        .do_update()
        .set((
            r::generation.eq(
                case_when(r::generation.lt(excluded(r::generation)), excluded(r::generation))
                    .otherwise(r::generation),
            ),
            r::until.eq(case_when(r::until.lt(excluded(r::until)), excluded(r::until)).otherwise(r::until)),
            r::recorded_at.eq(excluded(r::recorded_at)),
        ))
        .returning(r::id)
        .prepared()
        .get_result(c)?;
    Ok(())
}
