//! The state that the tasks of a node share: its copy of the revocations and its knowledge of the database's clock. Readers hold the
//! lock for three look-ups, writers for a bounded chunk.

use crate::{copy::LocalCopy, moment::Moment};
use auth_domain::time::{Span, Timestamp, after};
use std::{
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

#[derive(Debug, Default)]
pub(crate) struct NodeState {
    copy: RwLock<LocalCopy>,
    read: RwLock<Option<LastRead>>,
}

impl NodeState {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, LocalCopy> {
        // After a panic of a writer the copy may lack entries. It never has wrong ones, and the read is not marked complete.
        self.copy.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, LocalCopy> {
        self.copy.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_read(&self, read: LastRead) {
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some(read);
    }

    /// How far the database's clock was ahead of this node's clock at the last read.
    pub(crate) fn offset(&self) -> Option<Span> {
        self.last_read().map(|read| read.offset)
    }

    /// The earlier of this node's clock and the database's clock, extrapolated from the last read. Revocations lapse by it: a clock that
    /// is ahead must not make a node drop a revocation that others still need.
    pub(crate) fn cautious_now(&self, at: Moment, clock: Timestamp) -> Timestamp {
        self.last_read().map_or(clock, |read| {
            let elapsed = Span::from_std(at.since(read.ended)).unwrap_or(Span::MAX);
            after(read.database_now, elapsed).min(clock)
        })
    }

    /// The earliest and the latest time that the database's clock may show now, extrapolated from the last read.
    pub(crate) fn database_clock(&self, at: Moment) -> Option<(Timestamp, Timestamp)> {
        let read = self.last_read()?;
        let span = |duration| Span::from_std(duration).unwrap_or(Span::MAX);
        let earliest = after(read.database_now, span(at.since(read.ended)));
        Some((earliest, after(earliest, span(read.took))))
    }

    fn last_read(&self) -> Option<LastRead> {
        *self.read.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The database's clock at the last read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastRead {
    pub(crate) database_now: Timestamp,
    pub(crate) ended: Moment,
    pub(crate) took: Duration,
    pub(crate) offset: Span,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn clock(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn revocations_lapse_by_the_slower_of_the_two_clocks() {
        let moment = |seconds| Moment::from_start(Duration::from_secs(seconds));
        let shared = NodeState::default();
        assert_eq!(
            shared.cautious_now(moment(0), clock(7)),
            clock(7),
            "before the first read only the node's clock is known"
        );
        shared.note_read(LastRead {
            database_now: clock(100),
            ended: moment(10),
            took: Duration::from_secs(1),
            offset: Span::zero(),
        });
        assert_eq!(shared.cautious_now(moment(15), clock(3_600)), clock(105));
        assert_eq!(shared.cautious_now(moment(15), clock(50)), clock(50));
    }

    #[test]
    fn the_databases_clock_is_extrapolated_from_the_last_read_with_the_length_of_that_read_as_the_error() {
        let moment = |seconds| Moment::from_start(Duration::from_secs(seconds));
        let shared = NodeState::default();
        assert_eq!(shared.database_clock(moment(0)), None);
        shared.note_read(LastRead {
            database_now: clock(100),
            ended: moment(10),
            took: Duration::from_secs(3),
            offset: Span::zero(),
        });
        assert_eq!(shared.database_clock(moment(17)), Some((clock(107), clock(110))));
    }
}
