//! The mails that wait to be sent. The rule: a claim is a lease, and only the holder of the lease ends it.

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
    /// Its row.
    pub id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// Whom it concerns; `None` for one that was asked for by address.
    pub user: Option<UserId>,
    /// Where to, if not to the user's stored address; as typed.
    pub recipient: Option<String>,
    /// What it says beside its kind.
    pub facts: BTreeMap<String, String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How often it has been tried, this time included.
    pub attempts: u32,
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The server took it.
    Sent,
    /// No user was left to send it to, or it was void.
    Dropped,
    /// It was given up.
    Failed(String),
    /// It is tried again, so much later.
    Later(Span, String),
}

/// A mail that was not sent at the first attempt: it waits for the next one, or it was given up. Whom it is for is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubled {
    /// Its row.
    pub id: MailId,
    /// The stored word for what it is about.
    pub kind: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How often it has been tried.
    pub attempts: u32,
    /// Whether it was given up.
    pub given_up: bool,
    /// Whether what it takes to send it is still there.
    pub whole: bool,
    /// What went wrong.
    pub why: String,
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// How many wait.
    pub waiting: u64,
    /// How many were given up and are still shown.
    pub failed: u64,
}

impl Storage {
    /// Whether a mail could be claimed now: look before a claim, which is a write.
    pub async fn mail_waits(&self) -> Result<bool, StorageError> {
        run!(self, read, outbox::any_waiting())
    }

    /// Claims mails that are due, under a lease on the database's clock.
    pub async fn claim_mails(
        &self,
        lease: Uuid,
        lease_for: Span,
        most: u32,
    ) -> Result<Vec<Claimed>, StorageError> {
        run!(self, write, outbox::claim(lease, lease_for, i64::from(most)))
    }

    /// Ends a claim. False: the lease was lost, and nothing was written.
    pub async fn end_mail(&self, id: MailId, lease: Uuid, end: End) -> Result<bool, StorageError> {
        run!(self, write, outbox::end(id, lease, &end))
    }

    /// How full the outbox is.
    pub async fn mail_figures(&self) -> Result<Figures, StorageError> {
        run!(self, read, outbox::figures())
    }

    /// The mails that wait after a failed attempt, and those that were given up: the oldest first, at most so many, those after
    /// this one.
    pub async fn troubled_mails(
        &self,
        after: Option<MailId>,
        most: u32,
    ) -> Result<Vec<Troubled>, StorageError> {
        run!(self, read, outbox::troubled(after, i64::from(most)))
    }

    /// Makes these mails due now, those that were given up among them, unless what it takes to send them is gone. Answers with
    /// how many there were.
    pub async fn retry_mails(&self, mails: Vec<MailId>) -> Result<u64, StorageError> {
        run!(self, write, outbox::retry(&mails))
    }
}

/// A mail that waits; the database says when it is due.
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

/// A mail as a worker has claimed it.
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

/// A mail that was not sent at the first attempt, without whom it is for.
#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(crate) struct TroubledRow {
    id: Id,
    kind: String,
    user_id: Option<Id>,
    created_at: Ts,
    attempts: i32,
    outcome: Option<String>,
    last_error: Option<String>,
}

impl TroubledRow {
    pub(crate) fn mail(self) -> Troubled {
        let given_up = self.outcome.is_some();
        let kept = self.user_id.is_some() && self.kind != MailKind::AccountDeleted.as_str();
        Troubled {
            id: MailId::from_uuid(self.id.0),
            created_at: self.created_at.0,
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            given_up,
            whole: !given_up || kept,
            why: self.last_error.unwrap_or_default(),
            kind: self.kind,
        }
    }
}
