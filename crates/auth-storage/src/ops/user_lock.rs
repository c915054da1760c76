//! Locks of a user's row until the end of a transaction. The rule: an operation that changes a user locks their row first. So any other
//! change of the same user comes before it and is seen, or comes after it.

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

/// Why a user's row was not locked for a change.
#[derive(Debug, Clone, Copy)]
pub(super) enum NotTaken {
    /// There is no such user.
    NoUser,
    /// The caller's session or API key has ended, or the caller's tokens were revoked, since the request came in.
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

/// An invitation locks only the row of the caller.
impl From<NotTaken> for NotInvited {
    fn from(_: NotTaken) -> Self {
        Self::CallerRevoked
    }
}

/// An invitation locks only the row of the caller.
impl From<NotTaken> for NotChanged {
    fn from(_: NotTaken) -> Self {
        Self::CallerRevoked
    }
}

/// The caller has only the token of a link, so the reason is not revealed.
impl From<NotTaken> for NotRedeemed {
    fn from(_: NotTaken) -> Self {
        Self::InvalidToken
    }
}

/// Locks a user's row for a change, and checks that the caller's credential is still valid.
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

/// Locks the row of the caller, for a change that concerns no existing user.
pub(super) fn take_caller<R: From<NotTaken>>(c: &mut Conn, terms: &ChangeContext) -> Result<(), Undo<R>> {
    if let (Some(_), Some(caller)) = (&terms.by.held, terms.by.actor.user()) {
        hold(c, caller)?;
    }
    look_again(c, terms)
}

/// Checks again that the caller's credential is valid. The user's row must be locked before: then a revocation of the user's tokens
/// comes earlier and is seen here, or later and revokes what this transaction creates.
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

/// Whether the session is still as its access token says. If the user reauthenticated, the same statement records that; if the change is
/// refused, it is rolled back.
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

/// Locks a user's row without changing it.
pub(super) fn hold(c: &mut Conn, id: UserId) -> Result<Option<Credentials>, Fault> {
    let row: Option<CredentialsRow> = diesel::update(users::table.find(Id(id.as_uuid())))
        .set(users::updated_at.eq(users::updated_at))
        .returning(CredentialsRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    row.map(CredentialsRow::credentials).transpose()
}
