//! A user's row, held until the end of a transaction: what else concerns the user comes before or after, and is seen.

use super::Conn;
use crate::{
    context::{ChangeContext, SessionEvidence},
    fault::Fault,
    outcomes::Credentials,
    prepared::Prepare as _,
    rows::{CredentialsRow, UserRow},
    schema::{sessions, users},
    sqlty::{Id, Ts},
};
use auth_domain::{
    ids::UserId,
    user::{User, UserStatus},
};
use diesel::prelude::*;

/// Holds a user's row for a change by somebody. `None`: there is no such user, or whoever asks was signed out
/// since its token was looked at.
pub(super) fn take(c: &mut Conn, id: UserId, terms: &ChangeContext) -> Result<Option<User>, Fault> {
    let row: Option<UserRow> = diesel::update(users::table.find(Id(id.as_uuid())))
        .set(users::updated_at.eq(Ts(terms.now)))
        .returning(UserRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    let user = row.map(UserRow::user).transpose()?;
    // After the row is held: a cut comes before, and is seen, or after, and hits what is done here.
    if let Some(held) = terms.by.held
        && !still_holds(c, held)?
    {
        return Ok(None);
    }
    Ok(user)
}

fn still_holds(c: &mut Conn, held: SessionEvidence) -> Result<bool, Fault> {
    let live = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(Id(held.session.as_uuid())))
        .filter(sessions::ended_at.is_null())
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .filter(users::token_generation.eq(held.generation.number()))
        .select(sessions::id);
    Ok(live.first::<Id>(c).optional()?.is_some())
}

/// Holds a user's row as it is.
pub(super) fn hold(c: &mut Conn, id: UserId) -> Result<Option<Credentials>, Fault> {
    let row: Option<CredentialsRow> = diesel::update(users::table.find(Id(id.as_uuid())))
        .set(users::updated_at.eq(users::updated_at))
        .returning(CredentialsRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    row.map(CredentialsRow::credentials).transpose()
}
