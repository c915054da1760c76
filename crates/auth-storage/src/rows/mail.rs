//! Rows of the outbox.

use super::corrupt;
use crate::{
    fault::Fault,
    outcomes::{ClaimedMail, TroubledMail},
    schema::outbox,
    sqlty::{Id, Ts},
};
use auth_domain::{
    ids::{MailId, UserId},
    mail::MailKind,
};
use diesel::prelude::*;

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
    pub(crate) fn mail(self) -> TroubledMail {
        let given_up = self.outcome.is_some();
        let kept = self.user_id.is_some() && self.kind != MailKind::AccountDeleted.as_str();
        TroubledMail {
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

impl MailRow {
    pub(crate) fn mail(self) -> Result<ClaimedMail, Fault> {
        let bad = |column| corrupt("outbox", column, self.id.0);
        Ok(ClaimedMail {
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
