//! Rows that nothing needs any more are removed, in bounded batches. The rule: each noun removes its own; `ops::sweep` lists
//! them, and a test asks of every table whether it is swept or stays.

use crate::{
    error::StorageError,
    sqlite,
    storage::{Storage, Walk, run},
};
use auth_domain::time::{Span, Timestamp};
use std::{collections::BTreeMap, sync::Arc};

/// How long what is over is still shown, and how much one call removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long ended and expired sessions, lapsed API keys and retired signing keys are still shown.
    pub keep_ended_sessions: Span,
    /// How long mails that are done with are still shown, without their recipients.
    pub keep_mails: Span,
    /// How long what was counted in an hour is still shown.
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

/// A sweep, as each table's part of it sees it.
pub(crate) struct Sweep {
    /// The clock of the node that sweeps.
    pub(crate) now: Timestamp,
    /// What stays.
    pub(crate) keep: Retention,
    /// Where the walk over the sessions goes on.
    pub(crate) walk: Walk,
}

impl Sweep {
    /// The most rows that a part removes.
    pub(crate) const fn limit(&self) -> i64 {
        self.keep.limit as i64
    }
}

/// So long before a moment; 1970 where that would be longer ago, since PostgreSQL's calendar ends before chrono's.
pub(crate) fn before(moment: Timestamp, span: Span) -> Timestamp {
    let long_ago = moment.checked_sub_signed(span.max(Span::zero()));
    long_ago
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .max(Timestamp::UNIX_EPOCH)
}

impl Storage {
    /// Removes at most `keep.limit` rows of each table that nothing needs any more, each table in a transaction of its own:
    /// what is asked for meanwhile waits for one of them at most. Sessions that merely expired are found by a walk that goes on
    /// with the next call.
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

    /// Tables whose rows no sweep removes.
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
