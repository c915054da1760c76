//! Revocations. The rule: a revocation is recorded in the transaction of its cause, and every node reads it.

use super::{Conn, committed, side_effects::AuditEntry};
use crate::{
    committed::Committed,
    context::ChangeContext,
    dialect::Dialect as _,
    fault::Fault,
    reported_rows::ReportedRows,
    revocations::{Batch, RevocationRow, revoked},
    schema::revocations,
    sqlty::{Id, Ts},
    sweep::Sweep,
};
use auth_domain::{
    audit::Action,
    ids::TokenId,
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef},
    time::Timestamp,
};
use diesel::prelude::*;

/// Revokes one access token.
pub(crate) fn revoke_token(
    c: &mut Conn,
    token: TokenId,
    context: &ChangeContext,
) -> Result<Committed<()>, Fault> {
    committed(c, context, |c, effects| {
        effects.audit(c, AuditEntry::of(Action::TokenRevoked).with("token", token))?;
        let (what, until) = (Revoked::Token(token), context.until_at_least);
        effects.revoke(c, Revocation { what, until })
    })
}

/// The unexpired revocations that were recorded at `after` or later; all of them without `after`.
pub(crate) fn since(c: &mut Conn, after: Option<Timestamp>, reported: &ReportedRows) -> Result<Batch, Fault> {
    // The clock is read first: a revocation that is recorded meanwhile may be read twice, but is never skipped.
    let now = c.clock()?;
    let known = revocations::table.select(RevocationRow::as_select());
    let rows: Vec<RevocationRow> = match after {
        // With a second condition, SQLite would read all unexpired rows instead of the few new ones.
        Some(after) => known.filter(revocations::recorded_at.ge(Ts(after))).load(c)?,
        None => known.filter(revocations::until.gt(now)).load(c)?,
    };
    let revocations = rows
        .iter()
        .filter(|row| row.is_live(now))
        .flat_map(|row| row.revocations(reported))
        .map(|(revocation, at)| (revocation, at.0))
        .collect();
    Ok(Batch {
        revocations,
        database_now: now.0,
    })
}

/// What the database knows about a token, in one statement.
pub(crate) fn facts(
    c: &mut Conn,
    token: TokenRef,
    reported: &ReportedRows,
) -> Result<RevocationFacts, Fault> {
    use revocations as r;
    let (jti, sid, sub) = (
        Id(token.token.as_uuid()),
        Id(token.session.as_uuid()),
        Id(token.user.as_uuid()),
    );
    let rows: Vec<(Id, String, Option<i64>)> = r::table
        .filter(r::id.eq(jti).or(r::id.eq(sid)).or(r::id.eq(sub)))
        .select((r::id, r::kind, r::generation))
        .load(c)?;
    let mut facts = RevocationFacts::default();
    let hit = rows
        .into_iter()
        .flat_map(|(id, kind, generation)| revoked(id, &kind, generation, reported));
    for what in hit {
        match what {
            Revoked::Token(id) => facts.token |= id == token.token,
            Revoked::Session(id) => facts.session |= id == token.session,
            Revoked::User(id, least) if id == token.user => facts.least = facts.least.max(Some(least)),
            Revoked::User(..) => {}
        }
    }
    Ok(facts)
}

/// Removes revocations of tokens that have expired.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    use revocations as r;
    let lapsed: Vec<(Id, String)> = r::table
        .filter(r::until.le(Ts(sweep.now)))
        .order(r::until.asc())
        .limit(sweep.limit())
        .select((r::id, r::kind))
        .load(c)?;
    let mut gone = 0;
    for (id, kind) in lapsed {
        // It may have been recorded again, with a later expiry.
        let still = r::table.find((id, kind)).filter(r::until.le(Ts(sweep.now)));
        gone += diesel::delete(still).execute(c)? as u64;
    }
    Ok(gone)
}
