//! API keys. The rule: a key is found by its digest alone.

use super::{
    Conn, committed_or_refused, readable_rows,
    side_effects::{AuditEntry, AuditWriter, OutboxMail},
    user_lock::lock_user_for_change,
};
use crate::{
    api_keys::{ApiKeyRow, Holder, New, NewApiKeyRow, NotCreated},
    committed::Committed,
    context::{ChangeContext, Refused},
    dialect::Dialect as _,
    fault::{Fault, Rollback, refusal_as_value},
    schema::{api_keys, users},
    sqlty::{Id, Ts},
    sweep::{Sweep, before},
    users::UserRow,
};
use auth_domain::{
    api_key::ApiKey,
    audit::Action,
    ids::{ApiKeyId, UserId},
    mail::MailKind,
    role::Permission,
    time::{Span, Timestamp},
};
use diesel::prelude::*;

/// The precision of the last use: a key in use is written at most once in this time.
const TOUCHED_EVERY: Span = Span::minutes(1);

/// Stores a key.
pub(crate) fn insert(
    c: &mut Conn,
    new: &New,
    most: i64,
    context: &ChangeContext,
) -> Result<Result<Committed<()>, NotCreated>, Fault> {
    committed_or_refused(c, context, |c, effects| {
        let owner = new.key.owner;
        lock_user_for_change(c, owner, context)?;
        let held: i64 = api_keys::table
            .filter(api_keys::user_id.eq(Id(owner.as_uuid())))
            .count()
            .get_result(c)?;
        if held >= most {
            return Err(Rollback::refused(NotCreated::TooMany));
        }
        diesel::insert_into(api_keys::table)
            .values(NewApiKeyRow::of(new))
            .execute(c)?;
        let permissions: Vec<&str> = new
            .key
            .permissions
            .iter()
            .copied()
            .map(Permission::as_str)
            .collect();
        let entry = AuditEntry::of(Action::ApiKeyCreated)
            .about(owner)
            .with("key", new.key.id)
            .with("permissions", permissions.join(" "));
        effects.audit(c, entry)?;
        effects.mail(c, OutboxMail::to(owner, MailKind::ApiKeyCreated))?;
        Ok(())
    })
}

/// A user's keys, newest first.
pub(crate) fn of_user(c: &mut Conn, owner: UserId) -> Result<Vec<ApiKey>, Fault> {
    let rows: Vec<ApiKeyRow> = api_keys::table
        .filter(api_keys::user_id.eq(Id(owner.as_uuid())))
        .order(api_keys::id.desc())
        .select(ApiKeyRow::as_select())
        .load(c)?;
    readable_rows(rows, ApiKeyRow::key)
}

/// Removes a user's key.
pub(crate) fn revoke(
    c: &mut Conn,
    owner: UserId,
    id: ApiKeyId,
    context: &ChangeContext,
) -> Result<Result<(), Refused>, Fault> {
    let revoked = c.in_transaction(|c| {
        lock_user_for_change(c, owner, context)?;
        let mine = api_keys::table
            .find(Id(id.as_uuid()))
            .filter(api_keys::user_id.eq(Id(owner.as_uuid())));
        if diesel::delete(mine).execute(c)? != 1 {
            return Err(Rollback::refused(Refused::NotFound));
        }
        let entry = AuditEntry::of(Action::ApiKeyRevoked).about(owner).with("key", id);
        AuditWriter::of(context).audit(c, entry)?;
        Ok(())
    });
    refusal_as_value(revoked)
}

/// The key with this digest and its owner, in one statement.
pub(crate) fn holder(c: &mut Conn, digest: &[u8; 32]) -> Result<Option<Holder>, Fault> {
    let row: Option<(ApiKeyRow, UserRow)> = api_keys::table
        .inner_join(users::table)
        .filter(api_keys::digest.eq(digest.as_slice()))
        .select((ApiKeyRow::as_select(), UserRow::as_select()))
        .first(c)
        .optional()?;
    row.map(|(key, owner)| {
        Ok(Holder {
            key: key.key()?,
            owner: owner.user()?,
        })
    })
    .transpose()
}

/// Records that a key was used, at most once a minute.
pub(crate) fn touch(c: &mut Conn, id: ApiKeyId, now: Timestamp) -> Result<(), Fault> {
    use api_keys as k;
    let stale = k::last_used_at
        .is_null()
        .or(k::last_used_at.lt(Some(Ts(now - TOUCHED_EVERY))));
    diesel::update(k::table.find(Id(id.as_uuid())).filter(stale))
        .set(k::last_used_at.eq(Some(Ts(now))))
        .execute(c)?;
    Ok(())
}

/// Removes keys that expired long ago. Few keys expire, and an index contains only those.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    use api_keys as k;
    let long_ago = before(sweep.now, sweep.keep.keep_ended_sessions);
    let lapsed: Vec<Id> = k::table
        .filter(k::expires_at.is_not_null())
        .filter(k::expires_at.lt(Some(Ts(long_ago))))
        .order(k::expires_at.asc())
        .limit(sweep.limit())
        .select(k::id)
        .load(c)?;
    Ok(diesel::delete(k::table.filter(k::id.eq_any(lapsed))).execute(c)? as u64)
}
