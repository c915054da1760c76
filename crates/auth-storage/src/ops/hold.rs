//! A user's row, held until the end of a transaction: what else concerns the user comes before or after, and is seen.

use super::Conn;
use crate::{
    api_keys::NotCreated as KeyRefused,
    context::{ChangeContext, Evidence, Refused, SessionEvidence},
    fault::{Fault, Undo},
    links::NotRedeemed,
    prepared::Prepare as _,
    schema::{api_keys, sessions, users},
    signing_keys::NotChanged,
    sqlty::{Id, Ts},
    users::{Credentials, CredentialsRow, NotInvited, UserRow},
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
    /// The caller's session or API key has ended, or the caller's rights were cut, since the request came in.
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

/// No user's row is taken here but the caller's.
impl From<NotTaken> for NotInvited {
    fn from(_: NotTaken) -> Self {
        Self::CallerRevoked
    }
}

/// No user's row is taken here but the caller's.
impl From<NotTaken> for NotChanged {
    fn from(_: NotTaken) -> Self {
        Self::CallerRevoked
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
    look_again(c, terms)?;
    let row = row.ok_or_else(|| Undo::with(NotTaken::NoUser.into()))?;
    Ok(row.user()?)
}

/// Holds the row of the caller, for a change that is about no user there is.
pub(super) fn take_caller<R: From<NotTaken>>(c: &mut Conn, terms: &ChangeContext) -> Result<(), Undo<R>> {
    if let (Some(_), Some(caller)) = (&terms.by.held, terms.by.actor.user()) {
        hold(c, caller)?;
    }
    look_again(c, terms)
}

/// Looks once more whether what the caller showed holds. After a row is held: a cut of its user comes before, and is seen, or
/// after, and hits what is done here.
fn look_again<R: From<NotTaken>>(c: &mut Conn, terms: &ChangeContext) -> Result<(), Undo<R>> {
    match &terms.by.held {
        Some(held) if !still_holds(c, held, terms.now)? => Err(Undo::with(NotTaken::CallerRevoked.into())),
        _ => Ok(()),
    }
}

fn still_holds(c: &mut Conn, held: &Evidence, now: Timestamp) -> Result<bool, Fault> {
    match held {
        Evidence::Session(held) => session_holds(c, held, now),
        Evidence::ApiKey(held) => {
            let live = api_keys::table
                .inner_join(users::table)
                .filter(api_keys::id.eq(Id(held.key.as_uuid())))
                .filter(users::status.eq(UserStatus::Active.as_str()))
                .filter(users::role.eq(held.role.as_str()))
                .select(api_keys::id);
            Ok(live.first::<Id>(c).optional()?.is_some())
        }
    }
}

/// Whether the session is as its token said. A user who proved anew who they are has it written down by the same statement: a
/// change that is not made takes it back.
fn session_holds(c: &mut Conn, held: &SessionEvidence, now: Timestamp) -> Result<bool, Fault> {
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
