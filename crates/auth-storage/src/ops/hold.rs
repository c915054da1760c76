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
    time::Timestamp,
    user::{User, UserStatus},
};
use diesel::{dsl::exists, prelude::*};

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
        && !still_holds(c, held, terms.now)?
    {
        return Err(Undo::with(NotTaken::CallerRevoked.into()));
    }
    let row = row.ok_or_else(|| Undo::with(NotTaken::NoUser.into()))?;
    Ok(row.user()?)
}

/// Whether the session is as its token said. A user who proved anew who they are has it written down by the same statement: a
/// change that is not made takes it back.
fn still_holds(c: &mut Conn, held: SessionEvidence, now: Timestamp) -> Result<bool, Fault> {
    let user = users::table
        .filter(users::id.eq(sessions::user_id))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .filter(users::token_generation.eq(held.generation.number()));
    let live = sessions::table
        .find(Id(held.session.as_uuid()))
        .filter(sessions::ended_at.is_null())
        .filter(exists(user));
    let found: Option<Id> = if held.reauthenticated {
        diesel::update(live)
            .set((
                sessions::authenticated_at.eq(Some(Ts(now))),
                sessions::authentications.eq(sessions::authentications + 1_i64),
            ))
            .returning(sessions::id)
            .prepared()
            .get_result(c)
            .optional()?
    } else {
        live.select(sessions::id).first(c).optional()?
    };
    Ok(found.is_some())
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
