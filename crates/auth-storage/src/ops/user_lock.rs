//! Locks of a user's row until the end of a transaction. The rule: an operation that changes a user locks their row first. So any other
//! change of the same user comes before it and is seen, or comes after it.

use super::Conn;
use crate::{
    api_keys::NotCreated as KeyRefused,
    context::{ChangeContext, Evidence, Refused, SessionEvidence},
    fault::{Fault, Rollback},
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
pub(super) enum NotLocked {
    /// There is no such user.
    NoUser,
    /// The caller's session or API key has ended, or the caller's tokens were revoked, since the request came in.
    CallerRevoked,
}

impl From<NotLocked> for Refused {
    fn from(why: NotLocked) -> Self {
        match why {
            NotLocked::NoUser => Self::NotFound,
            NotLocked::CallerRevoked => Self::CallerRevoked,
        }
    }
}

impl From<NotLocked> for Option<Refused> {
    fn from(why: NotLocked) -> Self {
        Some(why.into())
    }
}

impl From<NotLocked> for KeyRefused {
    fn from(why: NotLocked) -> Self {
        match why {
            NotLocked::NoUser => Self::NoUser,
            NotLocked::CallerRevoked => Self::CallerRevoked,
        }
    }
}

/// An invitation locks only the row of the caller.
impl From<NotLocked> for NotInvited {
    fn from(_: NotLocked) -> Self {
        Self::CallerRevoked
    }
}

/// A change of signing keys locks only the row of the caller.
impl From<NotLocked> for NotChanged {
    fn from(_: NotLocked) -> Self {
        Self::CallerRevoked
    }
}

/// The caller has only the token of a link, so the reason is not revealed.
impl From<NotLocked> for NotRedeemed {
    fn from(_: NotLocked) -> Self {
        Self::InvalidToken
    }
}

/// Locks a user's row for a change, and checks that the caller's credential is still valid.
pub(super) fn lock_user_for_change<R: From<NotLocked>>(
    c: &mut Conn,
    id: UserId,
    context: &ChangeContext,
) -> Result<User, Rollback<R>> {
    let row: Option<UserRow> = diesel::update(users::table.find(Id(id.as_uuid())))
        .set(users::updated_at.eq(Ts(context.now)))
        .returning(UserRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    check_evidence_again(c, context)?;
    let row = row.ok_or_else(|| Rollback::refused(NotLocked::NoUser.into()))?;
    Ok(row.user()?)
}

/// Locks the row of the caller, for a change that concerns no existing user, and checks that their credential is still valid.
pub(super) fn lock_caller<R: From<NotLocked>>(
    c: &mut Conn,
    context: &ChangeContext,
) -> Result<(), Rollback<R>> {
    if let (Some(_), Some(caller)) = (&context.by.evidence, context.by.actor.user()) {
        lock_user(c, caller)?;
    }
    check_evidence_again(c, context)
}

/// Checks again that the caller's credential is valid. The user's row must be locked before. Where the user is the caller, a revocation
/// of their tokens then comes earlier and is seen here, or later and revokes what this transaction creates. Where the user is another
/// one, a revocation of the caller that comes between this check and the commit is not seen.
fn check_evidence_again<R: From<NotLocked>>(
    c: &mut Conn,
    context: &ChangeContext,
) -> Result<(), Rollback<R>> {
    match &context.by.evidence {
        Some(evidence) if !is_still_valid(c, evidence, context.now)? => {
            Err(Rollback::refused(NotLocked::CallerRevoked.into()))
        }
        _ => Ok(()),
    }
}

fn is_still_valid(c: &mut Conn, evidence: &Evidence, now: Timestamp) -> Result<bool, Fault> {
    match evidence {
        Evidence::Session(evidence) => session_is_still_valid(c, evidence, now),
        Evidence::ApiKey(evidence) => {
            let live = api_keys::table
                .inner_join(users::table)
                .filter(api_keys::id.eq(Id(evidence.key.as_uuid())))
                .filter(users::status.eq(UserStatus::Active.as_str()))
                .filter(users::role.eq(evidence.role.as_str()))
                .select(api_keys::id);
            Ok(live.first::<Id>(c).optional()?.is_some())
        }
    }
}

/// Whether the session is still as its access token says. If the user reauthenticated, the same statement records that; if the change is
/// refused, it is rolled back.
fn session_is_still_valid(c: &mut Conn, evidence: &SessionEvidence, now: Timestamp) -> Result<bool, Fault> {
    let user = users::table
        .filter(users::id.eq(sessions::user_id))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .filter(users::token_generation.eq(evidence.generation.number()));
    let live = sessions::table
        .find(Id(evidence.session.as_uuid()))
        .filter(sessions::ended_at.is_null())
        .filter(exists(user));
    let found: Option<Id> = if evidence.reauthenticated {
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
pub(super) fn lock_user(c: &mut Conn, id: UserId) -> Result<Option<Credentials>, Fault> {
    let row: Option<CredentialsRow> = diesel::update(users::table.find(Id(id.as_uuid())))
        .set(users::updated_at.eq(users::updated_at))
        .returning(CredentialsRow::as_returning())
        .prepared()
        .get_result(c)
        .optional()?;
    row.map(CredentialsRow::credentials).transpose()
}
