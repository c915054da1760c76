//! The outbox: mails that wait to be sent. The rule: a claim is a lease, and only the holder of the lease may end it.

use crate::{
    error::StorageError,
    fault::{Fault, corrupt},
    schema::outbox,
    sqlty::{Id, Ts},
    storage::{Storage, run},
};
use auth_domain::{
    ids::{MailId, UserId},
    mail::MailKind,
    time::{Span, Timestamp},
};
use diesel::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A mail that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its id.
    pub id: MailId,
    /// Its kind.
    pub kind: MailKind,
    /// The user it concerns; `None` for a mail that was requested by email address.
    pub user: Option<UserId>,
    /// The recipient, if it is not the user's stored address, as it was typed.
    pub recipient: Option<String>,
    /// The values that its text contains.
    pub facts: BTreeMap<String, String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// The number of attempts, including this one.
    pub attempts: u32,
}

/// How an attempt to send a mail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The mail server accepted it.
    Sent,
    /// Its user was deleted, or it was void.
    Dropped,
    /// No further attempt is made, for this reason.
    Failed(String),
    /// It is tried again after this time, for this reason.
    Later(Span, String),
}

/// A mail that was not sent at the first attempt: it waits for the next one, or it was given up. The recipient is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// Its id.
    pub id: MailId,
    /// Its kind, as the stored word.
    pub kind: String,
    /// When it was queued.
    pub created_at: Timestamp,
    /// The number of attempts.
    pub attempts: u32,
    /// Whether it was given up.
    pub given_up: bool,
    /// Whether everything that is needed to send it is still stored.
    pub can_be_retried: bool,
    /// The last error.
    pub why: String,
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// The number of mails that wait.
    pub waiting: u64,
    /// The number of mails that were given up and not yet swept.
    pub failed: u64,
}

impl Storage {
    /// Whether a mail could be claimed now. It is read before a claim, because a claim is a write.
    pub async fn mail_waits(&self) -> Result<bool, StorageError> {
        run!(self, read, outbox::any_waiting())
    }

    /// Claims at most `most` mails that are due, with a lease by the database's clock.
    pub async fn claim_mails(
        &self,
        lease: Uuid,
        lease_for: Span,
        most: u32,
    ) -> Result<Vec<Claimed>, StorageError> {
        run!(self, write, outbox::claim(lease, lease_for, i64::from(most)))
    }

    /// Ends a claim. `false`: the lease was lost, and nothing was written.
    pub async fn end_mail(&self, id: MailId, lease: Uuid, end: End) -> Result<bool, StorageError> {
        run!(self, write, outbox::end(id, lease, &end))
    }

    /// How full the outbox is.
    pub async fn mail_figures(&self) -> Result<Figures, StorageError> {
        run!(self, read, outbox::figures())
    }

    /// The mails that wait after a failed attempt, and those that were given up: at most `most`, the oldest first, from the one after
    /// `after` on.
    pub async fn undelivered_mails(
        &self,
        after: Option<MailId>,
        most: u32,
    ) -> Result<Vec<Undelivered>, StorageError> {
        run!(self, read, outbox::undelivered(after, i64::from(most)))
    }

    /// Makes these mails due now, including those that were given up, unless something that is needed to send them is gone. Returns how
    /// many became due.
    pub async fn retry_mails(&self, mails: Vec<MailId>) -> Result<u64, StorageError> {
        run!(self, write, outbox::retry(&mails))
    }
}

/// A mail to be queued. The database sets when it is due.
#[derive(Insertable)]
#[diesel(table_name = outbox)]
pub(crate) struct NewMailRow {
    pub(crate) id: Id,
    pub(crate) kind: &'static str,
    pub(crate) user_id: Option<Id>,
    pub(crate) recipient: Option<String>,
    pub(crate) facts: String,
    pub(crate) created_at: Ts,
}

/// A claimed mail as stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(crate) struct MailRow {
    id: Id,
    kind: String,
    user_id: Option<Id>,
    recipient: Option<String>,
    facts: String,
    created_at: Ts,
    attempts: i32,
}

impl MailRow {
    pub(crate) fn mail(self) -> Result<Claimed, Fault> {
        let bad = |column| corrupt("outbox", column, self.id.0);
        Ok(Claimed {
            id: MailId::from_uuid(self.id.0),
            kind: self.kind.parse().map_err(|_| bad("kind"))?,
            user: self.user_id.map(|id| UserId::from_uuid(id.0)),
            facts: serde_json::from_str(&self.facts).map_err(|_| bad("facts"))?,
            created_at: self.created_at.0,
            attempts: u32::try_from(self.attempts).map_err(|_| bad("attempts"))?,
            recipient: self.recipient,
        })
    }
}

/// A mail that was not sent at the first attempt, without its recipient.
#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(crate) struct UndeliveredRow {
    id: Id,
    kind: String,
    user_id: Option<Id>,
    created_at: Ts,
    attempts: i32,
    outcome: Option<String>,
    last_error: Option<String>,
}

impl UndeliveredRow {
    pub(crate) fn mail(self) -> Undelivered {
        let given_up = self.outcome.is_some();
        let kept = self.user_id.is_some() && self.kind != MailKind::AccountDeleted.as_str();
        Undelivered {
            id: MailId::from_uuid(self.id.0),
            created_at: self.created_at.0,
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            given_up,
            can_be_retried: !given_up || kept,
            why: self.last_error.unwrap_or_default(),
            kind: self.kind,
        }
    }
}
