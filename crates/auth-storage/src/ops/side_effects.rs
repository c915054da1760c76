//! What is written with a change, in its transaction: rows of the audit log (docs/rules.md §9), mails (§8) and revocations (§1). The
//! rule: they are written if and only if the change is. [`Notes`] writes only audit rows. Mails and revocations go through
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
pub(crate) struct Notes<'a> {
    by: &'a AuditContext,
    now: Timestamp,
    written: u16,
}

/// A row of the audit log to be written.
pub(crate) struct Note {
    action: Action,
    actor: Option<Actor>,
    subject: Option<UserId>,
    session: Option<SessionId>,
    details: BTreeMap<String, String>,
}

impl Note {
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
    pub(crate) fn by_itself(mut self, user: UserId) -> Self {
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
pub(crate) struct Post {
    kind: MailKind,
    user: Option<UserId>,
    recipient: Option<String>,
    facts: BTreeMap<String, String>,
}

impl Post {
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

impl<'a> Notes<'a> {
    pub(crate) fn of(terms: &'a ChangeContext) -> Self {
        Self {
            by: &terms.by,
            now: terms.now,
            written: 0,
        }
    }

    /// The random bytes for the id of the next row: those of the change, plus the number of rows so far.
    fn chance(&mut self) -> [u8; ID_RANDOM_BYTES] {
        let mut chance = self.by.seed;
        let [.., high, low] = &mut chance;
        let counted = u16::from_be_bytes([*high, *low]).wrapping_add(self.written);
        [*high, *low] = counted.to_be_bytes();
        self.written = self.written.wrapping_add(1);
        chance
    }

    pub(crate) fn audit(&mut self, c: &mut Conn, note: Note) -> Result<(), Fault> {
        let event = AuditEvent {
            id: AuditEventId::from_parts(self.now, self.chance()),
            at: self.now,
            actor: note.actor.unwrap_or(self.by.actor),
            action: note.action,
            subject: note.subject,
            session: note.session,
            ip: self.by.ip,
            request_id: self.by.request_id.clone(),
            details: note.details,
        };
        let _noted: Id = diesel::insert_into(audit_events::table)
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
    notes: Notes<'a>,
    /// The context of the change.
    pub(super) terms: &'a ChangeContext,
    after: CommitEffects,
}

impl<'a> SideEffects<'a> {
    pub(super) fn of(terms: &'a ChangeContext) -> Self {
        Self {
            notes: Notes::of(terms),
            terms,
            after: CommitEffects::default(),
        }
    }

    /// The value of the change, with what has to be done after its commit.
    pub(super) fn committed<T>(self, value: T) -> Committed<T> {
        Committed::new(value, self.after)
    }

    /// Writes a row of the audit log.
    pub(crate) fn audit(&mut self, c: &mut Conn, note: Note) -> Result<(), Fault> {
        self.notes.audit(c, note)
    }

    /// Queues a mail, with the IP address that the request came from.
    pub(crate) fn mail(&mut self, c: &mut Conn, post: Post) -> Result<(), Fault> {
        let id = MailId::from_parts(self.notes.now, self.notes.chance());
        self.mail_as(c, id, post)
    }

    /// The same with a given id, from which the mail's token was derived.
    pub(crate) fn mail_as(&mut self, c: &mut Conn, id: MailId, post: Post) -> Result<(), Fault> {
        let post = post.with("ip", self.notes.by.ip);
        // A mail to an email address waits for the worker's next round, whether or not a user has the address.
        self.after.mail_queued |= post.user.is_some();
        let _queued: Id = diesel::insert_into(outbox::table)
            .values(NewMailRow {
                id: Id(id.as_uuid()),
                kind: post.kind.as_str(),
                user_id: post.user.map(|id| Id(id.as_uuid())),
                recipient: post.recipient,
                // A map of texts always has a JSON form.
                facts: serde_json::to_string(&post.facts).unwrap_or_default(),
                created_at: Ts(self.notes.now),
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
