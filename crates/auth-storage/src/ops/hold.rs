//! A user's row, held until the end of a transaction: what else concerns the user comes before or after, and is seen.

use super::Conn;
use crate::{
    api_keys::NotCreated as KeyRefused,
    context::{ChangeContext, Refused, SessionEvidence},
    fault::{Fault, Undo},
    links::NotRedeemed,
    prepared::Prepare as _,
    schema::{sessions, users},
    sqlty::{Id, Ts},
    users::{Credentials, CredentialsRow, UserRow},
};
use auth_domain::{
    ids::UserId,
    user::{User, UserStatus},
};
use diesel::prelude::*;

/// Why a user's row is not held for a change.
#[derive(Debug, Clone, Copy)]
pub(super) enum NotTaken {
    /// There is no such user.
    NoUser,
    /// The session in which the caller asks has ended, or its user's rights were cut, since the token was checked.
    CallerRevoked,
}

impl From<NotTaken> for Refused {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::NoUser => Self::NotFound,
            NotTaken::CallerRevoked => Self::CallerRevoked,
        }
    }
}

impl From<NotTaken> for Option<Refused> {
    fn from(why: NotTaken) -> Self {
        Some(why.into())
    }
}

impl From<NotTaken> for KeyRefused {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::NoUser => Self::NoUser,
            NotTaken::CallerRevoked => Self::CallerRevoked,
        }
    }
}

/// Whoever opens a link has its token alone to show: what keeps them from it is not told.
impl From<NotTaken> for NotRedeemed {
    fn from(_: NotTaken) -> Self {
        Self::InvalidToken
    }
}

/// Holds a user's row for a change.
pub(super) fn take<R: From<NotTaken>>(
    c: &mut Conn,
    id: UserId,
    terms: &ChangeContext,
) -> Result<User, Undo<R>> {
    let row: Option<UserRow> = diesel::update(users::table.find(Id(id.as_uuid())))
        .set(users::updated_at.eq(Ts(terms.now)))
        .returning(UserRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    // After the row is held: a cut comes before, and is seen, or after, and hits what is done here.
    if let Some(held) = terms.by.held
        && !still_holds(c, held)?
    {
        return Err(Undo::with(NotTaken::CallerRevoked.into()));
    }
    let row = row.ok_or_else(|| Undo::with(NotTaken::NoUser.into()))?;
    Ok(row.user()?)
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
