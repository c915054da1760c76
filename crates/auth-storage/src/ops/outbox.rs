//! The outbox, for the workers that send its mails (docs/rules.md §8). The rule: a claim is a lease by the database's clock, and only an
//! update guarded by that lease ends it. So several nodes send a mail once.

use super::{Conn, committed_singly, side_effects::OutboxMail, transaction};
use crate::{
    committed::Committed,
    context::ChangeContext,
    dialect::Dialect as _,
    fault::Fault,
    outbox::{Claimed, End, Figures, MailRow, Undelivered, UndeliveredRow},
    schema::{outbox, users},
    sqlty::{Id, Ts},
    sweep::{Sweep, before},
};
use auth_domain::{
    ids::{MailId, UserId},
    mail::MailKind,
    time::{Span, after},
};
use diesel::prelude::*;
use uuid::Uuid;

/// The kinds that this version can send. A mail of another kind is left to a newer node, and no attempt is counted.
fn sendable() -> [&'static str; MailKind::ALL.len()] {
    MailKind::ALL.map(MailKind::as_str)
}

/// The most characters of an error that are stored.
const LONGEST_ERROR: usize = 300;

/// Claims mails that are due, for the time `lease_for`. `lease` identifies the claim.
pub(crate) fn claim(c: &mut Conn, lease: Uuid, lease_for: Span, most: i64) -> Result<Vec<Claimed>, Fault> {
    use outbox as o;
    transaction(c, |c| {
        let now = c.clock()?;
        let free = || o::leased_until.is_null().or(o::leased_until.le(Some(now)));
        let due: Vec<Id> = o::table
            .filter(o::done_at.is_null())
            .filter(o::due_at.le(now))
            .filter(o::kind.eq_any(sendable()))
            .filter(free())
            .order(o::due_at.asc())
            .limit(most)
            .select(o::id)
            .load(c)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        // The conditions are repeated: another node may have claimed the mails meanwhile.
        let mine = o::table
            .filter(o::id.eq_any(due))
            .filter(o::done_at.is_null())
            .filter(free());
        let rows: Vec<MailRow> = diesel::update(mine)
            .set((
                o::lease.eq(Some(Id(lease))),
                o::leased_until.eq(Some(Ts(after(now.0, lease_for)))),
                o::attempts.eq(o::attempts + 1),
            ))
            .returning(MailRow::as_returning())
            .get_results(c)?;
        // A mail that can't be read keeps its lease, and becomes due again when that expires; a newer version may be able to read it. The
        // others are sent.
        let mut mails = Vec::with_capacity(rows.len());
        for row in rows {
            match row.mail() {
                Ok(mail) => mails.push(mail),
                Err(Fault::Corrupt { table, column, id }) => {
                    tracing::error!(mail = %id, "a row of {table} has no valid {column} and waits");
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(mails)
    })
}

/// Ends a claim. `false`: another node has the lease, and nothing was written. A mail that was given up keeps everything that a further
/// attempt needs, until it is swept or its user is deleted. A mail without a user keeps nothing.
pub(crate) fn end(c: &mut Conn, id: MailId, lease: Uuid, end: &End) -> Result<bool, Fault> {
    use outbox as o;
    transaction(c, |c| {
        let now = c.clock()?;
        let mine = o::table
            .find(Id(id.as_uuid()))
            .filter(o::lease.eq(Some(Id(lease))))
            .filter(o::done_at.is_null());
        let short = |text: &str| Some(text.chars().take(LONGEST_ERROR).collect::<String>());
        let touched = match end {
            End::Later(wait, why) => diesel::update(mine)
                .set((
                    o::due_at.eq(Ts(after(now.0, *wait))),
                    o::leased_until.eq(None::<Ts>),
                    o::lease.eq(None::<Id>),
                    o::last_error.eq(short(why)),
                ))
                .execute(c)?,
            End::Sent | End::Dropped => {
                let outcome = if *end == End::Sent { "sent" } else { "dropped" };
                diesel::update(mine)
                    .set((
                        o::outcome.eq(Some(outcome)),
                        o::done_at.eq(Some(now)),
                        o::recipient.eq(None::<String>),
                        o::facts.eq("{}"),
                        o::last_error.eq(None::<String>),
                    ))
                    .execute(c)?
            }
            End::Failed(why) => {
                let owner: Option<Option<Id>> = diesel::update(mine)
                    .set((
                        o::outcome.eq(Some("failed")),
                        o::done_at.eq(Some(now)),
                        o::last_error.eq(short(why)),
                    ))
                    .returning(o::user_id)
                    .get_result(c)
                    .optional()?;
                let Some(owner) = owner else { return Ok(false) };
                if !is_there(c, owner)? {
                    diesel::update(o::table.find(Id(id.as_uuid())))
                        .set((o::recipient.eq(None::<String>), o::facts.eq("{}")))
                        .execute(c)?;
                }
                1
            }
        };
        Ok(touched == 1)
    })
}

fn is_there(c: &mut Conn, user: Option<Id>) -> Result<bool, Fault> {
    let Some(user) = user else { return Ok(false) };
    let found = users::table.find(user).select(users::id).first::<Id>(c);
    Ok(found.optional()?.is_some())
}

/// Erases the recipients and values of a deleted user's mails that were sent or given up.
pub(crate) fn erase_user(c: &mut Conn, user: UserId) -> Result<(), Fault> {
    use outbox as o;
    let theirs = o::table
        .filter(o::user_id.eq(Some(Id(user.as_uuid()))))
        .filter(o::done_at.is_not_null());
    diesel::update(theirs)
        .set((o::recipient.eq(None::<String>), o::facts.eq("{}")))
        .execute(c)?;
    Ok(())
}

/// The mails that wait after a failed attempt, and those that were given up: the oldest first.
pub(crate) fn undelivered(c: &mut Conn, after: Option<MailId>, most: i64) -> Result<Vec<Undelivered>, Fault> {
    use outbox as o;
    let rows: Vec<UndeliveredRow> = o::table
        .filter(o::outcome.is_null().or(o::outcome.eq(Some("failed"))))
        .filter(o::last_error.is_not_null())
        .filter(o::id.gt(Id(after.map_or(Uuid::nil(), |after| after.as_uuid()))))
        .order(o::id.asc())
        .limit(most)
        .select(UndeliveredRow::as_select())
        .load(c)?;
    Ok(rows.into_iter().map(UndeliveredRow::mail).collect())
}

/// Makes mails due now, including those that were given up.
pub(crate) fn retry(c: &mut Conn, mails: &[MailId]) -> Result<u64, Fault> {
    use outbox as o;
    transaction(c, |c| {
        let now = c.clock()?;
        let mut due = 0;
        for mail in mails {
            let waiting = o::table
                .find(Id(mail.as_uuid()))
                .filter(o::done_at.is_null())
                .filter(o::leased_until.is_null().or(o::leased_until.le(Some(now))));
            due += diesel::update(waiting).set(o::due_at.eq(now)).execute(c)?;
            let given_up = o::table
                .find(Id(mail.as_uuid()))
                .filter(o::outcome.eq(Some("failed")))
                .filter(o::user_id.is_not_null())
                .filter(o::kind.ne(MailKind::AccountDeleted.as_str()));
            due += diesel::update(given_up)
                .set((
                    o::outcome.eq(None::<String>),
                    o::done_at.eq(None::<Ts>),
                    o::due_at.eq(now),
                    o::attempts.eq(0),
                    o::lease.eq(None::<Id>),
                    o::leased_until.eq(None::<Ts>),
                ))
                .execute(c)?;
        }
        Ok(u64::try_from(due).unwrap_or(0))
    })
}

/// Whether a mail could be claimed. It is read before a claim, because a claim is a write. A mail that is not due yet does not count.
pub(crate) fn any_waiting(c: &mut Conn) -> Result<bool, Fault> {
    use outbox as o;
    let now = c.clock()?;
    let waiting = o::table
        .filter(o::done_at.is_null())
        .filter(o::due_at.le(now))
        .filter(o::kind.eq_any(sendable()))
        .filter(o::leased_until.is_null().or(o::leased_until.le(Some(now))))
        .select(o::id);
    Ok(waiting.first::<Id>(c).optional()?.is_some())
}

/// Queues a mail that was requested by email address: every address gets the same row (docs/rules.md §8).
pub(crate) fn queue_by_address(
    c: &mut Conn,
    kind: MailKind,
    recipient: &str,
    context: &ChangeContext,
) -> Result<Committed<()>, Fault> {
    // No address contains a NUL, and PostgreSQL stores none.
    let recipient = recipient.replace('\0', "\u{FFFD}");
    committed_singly(c, context, |c, effects| {
        effects.mail(c, OutboxMail::to_address(&recipient, kind))
    })
}

/// How full the outbox is.
pub(crate) fn figures(c: &mut Conn) -> Result<Figures, Fault> {
    use outbox as o;
    let waiting: i64 = o::table.filter(o::done_at.is_null()).count().get_result(c)?;
    let failed: i64 = o::table
        .filter(o::done_at.is_not_null())
        .filter(o::outcome.eq(Some("failed")))
        .count()
        .get_result(c)?;
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(Figures {
        waiting: count(waiting),
        failed: count(failed),
    })
}

/// Removes mails that were sent or given up long ago.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    use outbox as o;
    let long_ago = before(c.clock()?.0, sweep.keep.keep_mails);
    let done: Vec<Id> = o::table
        .filter(o::done_at.is_not_null())
        .filter(o::done_at.lt(Some(Ts(long_ago))))
        .order(o::done_at.asc())
        .limit(sweep.limit())
        .select(o::id)
        .load(c)?;
    Ok(diesel::delete(o::table.filter(o::id.eq_any(done))).execute(c)? as u64)
}
