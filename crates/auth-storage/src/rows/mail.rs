//! Rows of the outbox.

use super::corrupt;
use crate::{
    fault::Fault,
    outcomes::ClaimedMail,
    schema::outbox,
    sqlty::{Id, Ts},
};
use auth_domain::ids::{MailId, UserId};
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
