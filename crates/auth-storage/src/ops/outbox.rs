//! The outbox, as those see it who empty it (behaviour.md §8): a claim is a lease on the database's clock, and whatever ends it
//! is guarded by that lease, so that several nodes send a mail once.

use super::{
    Conn,
    notes::{Notes, Post},
    whole,
};
use crate::{
    asks::Terms,
    dialect::Dialect as _,
    fault::Fault,
    outcomes::{ClaimedMail, MailEnd, MailFigures},
    rows::MailRow,
    schema::outbox,
    sqlty::{Id, Ts},
};
use auth_domain::{
    ids::MailId,
    mail::MailKind,
    time::{Span, after},
};
use diesel::prelude::*;
use uuid::Uuid;

/// How much of a refusal is kept.
const LONGEST_ERROR: usize = 300;

/// Claims mails that are due, for `lease_for`; the lease is the claim's name.
pub(crate) fn claim(
    c: &mut Conn,
    lease: Uuid,
    lease_for: Span,
    most: i64,
) -> Result<Vec<ClaimedMail>, Fault> {
    use outbox as o;
    whole(c, |c| {
        let now = c.clock()?;
        let free = || o::leased_until.is_null().or(o::leased_until.le(Some(now)));
        let due: Vec<Id> = o::table
            .filter(o::done_at.is_null())
            .filter(o::due_at.le(now))
            .filter(free())
            .order(o::due_at.asc())
            .limit(most)
            .select(o::id)
            .load(c)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        // Guarded once more: another node may have claimed them since.
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
        // One that can't be read keeps its lease and comes back when that lapses, perhaps to a newer version; the others go on.
        let mut mails = Vec::with_capacity(rows.len());
        for row in rows {
            match row.mail() {
                Ok(mail) => mails.push(mail),
                Err(Fault::Corrupt { table, column, id }) => {
                    tracing::error!(mail = %id, "a row of {table} has no valid {column}, and waits");
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(mails)
    })
}

/// Ends a claim. False: the lease was lost to another node, and nothing was written.
pub(crate) fn end(c: &mut Conn, id: MailId, lease: Uuid, end: &MailEnd) -> Result<bool, Fault> {
    use outbox as o;
    whole(c, |c| {
        let now = c.clock()?;
        let mine = o::table
            .find(Id(id.as_uuid()))
            .filter(o::lease.eq(Some(Id(lease))))
            .filter(o::done_at.is_null());
        let short = |text: &str| Some(text.chars().take(LONGEST_ERROR).collect::<String>());
        let touched = match end {
            MailEnd::Later(wait, why) => diesel::update(mine)
                .set((
                    o::due_at.eq(Ts(after(now.0, *wait))),
                    o::leased_until.eq(None::<Ts>),
                    o::lease.eq(None::<Id>),
                    o::last_error.eq(short(why)),
                ))
                .execute(c)?,
            MailEnd::Sent | MailEnd::Dropped | MailEnd::Failed(_) => {
                let (outcome, why) = match end {
                    MailEnd::Failed(why) => ("failed", short(why)),
                    MailEnd::Dropped => ("dropped", None),
                    _ => ("sent", None),
                };
                diesel::update(mine)
                    .set((
                        o::outcome.eq(Some(outcome)),
                        o::done_at.eq(Some(now)),
                        o::recipient.eq(None::<String>),
                        o::facts.eq("{}"),
                        o::last_error.eq(why),
                    ))
                    .execute(c)?
            }
        };
        Ok(touched == 1)
    })
}

/// Whether a mail could be claimed: the look before a claim, which is a write. One that was put off is not looked for again
/// and again.
pub(crate) fn any_waiting(c: &mut Conn) -> Result<bool, Fault> {
    use outbox as o;
    let now = c.clock()?;
    let waiting = o::table
        .filter(o::done_at.is_null())
        .filter(o::due_at.le(now))
        .filter(o::leased_until.is_null().or(o::leased_until.le(Some(now))))
        .select(o::id);
    Ok(waiting.first::<Id>(c).optional()?.is_some())
}

/// Asks for a reset by address, whoever has it: the same row for everybody (behaviour.md §8).
pub(crate) fn ask_for_reset(c: &mut Conn, recipient: &str, terms: &Terms) -> Result<(), Fault> {
    // Nobody's address has one, and PostgreSQL stores none.
    let recipient = recipient.replace('\0', "\u{FFFD}");
    Notes::of(terms).mail(c, Post::to_whoever(&recipient, MailKind::PasswordReset))
}

/// How full it is.
pub(crate) fn figures(c: &mut Conn) -> Result<MailFigures, Fault> {
    use outbox as o;
    let waiting: i64 = o::table.filter(o::done_at.is_null()).count().get_result(c)?;
    let failed: i64 = o::table
        .filter(o::done_at.is_not_null())
        .filter(o::outcome.eq(Some("failed")))
        .count()
        .get_result(c)?;
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(MailFigures {
        waiting: count(waiting),
        failed: count(failed),
    })
}
