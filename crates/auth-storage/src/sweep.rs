//! Removes rows that are no longer needed, in bounded batches. The rule: each noun removes its own rows and is listed in `ops::sweep`. A
//! test checks that every table is either swept or kept for a reason.

use crate::{
    error::StorageError,
    sqlite,
    storage::{Storage, Walk, run},
};
use auth_domain::time::{Span, Timestamp};
use std::{collections::BTreeMap, sync::Arc};

/// How long rows are kept after they end, and how many of them one call removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long ended and expired sessions, expired API keys and retired signing keys are kept.
    pub keep_ended_sessions: Span,
    /// How long mails are kept after they were sent or given up.
    pub keep_mails: Span,
    /// How long the counts of an hour are kept.
    pub keep_activity: Span,
    /// The most rows of each table that one call removes.
    pub limit: u32,
}

/// How many rows a sweep removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept(BTreeMap<&'static str, u64>);

impl Swept {
    /// The tables that lost rows, by name.
    pub fn tables(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(table, rows)| (*table, *rows))
    }
}

/// The input of each part of a sweep.
pub(crate) struct Sweep {
    /// The clock of the node that sweeps.
    pub(crate) now: Timestamp,
    /// How long rows are kept.
    pub(crate) keep: Retention,
    /// Where the walk over the sessions continues.
    pub(crate) walk: Walk,
}

impl Sweep {
    /// The most rows that a part removes.
    pub(crate) const fn limit(&self) -> i64 {
        self.keep.limit as i64
    }
}

/// The time that is `span` before `moment`, but not before 1970, because chrono's calendar goes further back than PostgreSQL's.
pub(crate) fn before(moment: Timestamp, span: Span) -> Timestamp {
    let long_ago = moment.checked_sub_signed(span.max(Span::zero()));
    long_ago
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .max(Timestamp::UNIX_EPOCH)
}

impl Storage {
    /// Removes at most `keep.limit` unneeded rows of each table. Each table has a transaction of its own, so a concurrent request waits
    /// for one of them at most. A walk finds the sessions that expired; the next call continues it.
    pub async fn sweep(&self, now: Timestamp, keep: Retention) -> Result<Swept, StorageError> {
        let mut swept = Swept::default();
        for number in 0..sqlite::ops::sweep::PARTS.len() {
            let walk = Arc::clone(&self.inner.walk);
            let sweep = Sweep { now, keep, walk };
            swept.0.extend(run!(self, write, sweep::part(number, &sweep))?);
        }
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    /// The tables whose rows no sweep removes.
    const STAY: [(&str, &str); 6] = [
        ("users", "a user is deleted, never forgotten"),
        (
            "audit_events",
            "the operator prunes the log, after it was verified",
        ),
        ("audit_seals", "they go with the rows that they seal"),
        ("clients", "an operator deletes them"),
        ("settings", "a fixed number of names"),
        ("guards", "a fixed number of names"),
    ];

    #[test]
    fn every_table_is_swept_or_stays_for_a_reason() {
        for (table, _) in schema::columns() {
            let swept = sqlite::ops::sweep::PARTS.iter().any(|part| part.0 == table);
            let stays = STAY.iter().any(|(stays, _)| *stays == table);
            assert!(
                swept != stays,
                "{table}: give it a line in ops/sweep.rs, or one here"
            );
        }
    }

    #[test]
    fn a_span_longer_than_the_calendar_ends_at_1970() {
        let now = Timestamp::UNIX_EPOCH + Span::days(1);
        assert_eq!(
            before(now, Span::hours(1)),
            Timestamp::UNIX_EPOCH + Span::hours(23)
        );
        assert_eq!(before(now, Span::days(9)), Timestamp::UNIX_EPOCH);
        assert_eq!(before(now, Span::MAX), Timestamp::UNIX_EPOCH);
        assert_eq!(before(now, Span::hours(-1)), now);
    }
}
