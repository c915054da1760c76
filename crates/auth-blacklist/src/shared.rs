//! The node's copy between its tasks. Readers hold the lock for three look-ups, writers for a bounded portion.

use crate::{copy::LocalCopy, moment::Moment};
use auth_domain::time::{Span, Timestamp, after};
use std::{
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

#[derive(Debug, Default)]
pub(crate) struct Shared {
    copy: RwLock<LocalCopy>,
    read: RwLock<Option<LastRead>>,
}

impl Shared {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, LocalCopy> {
        // A panic while it was held left whole entries at worst too few in the copy, never wrong ones, and no read completed.
        self.copy.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, LocalCopy> {
        self.copy.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_read(&self, read: LastRead) {
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some(read);
    }

    /// How far the database's clock was ahead of this node's at the last read.
    pub(crate) fn offset(&self) -> Option<Span> {
        self.last_read().map(|read| read.offset)
    }

    /// The earlier of what this node's clock shows and what the database's would, by the time that has elapsed since the last
    /// read. By it things lapse: a clock that leaps ahead must not make a node think that nobody needs to know any more.
    pub(crate) fn cautious_now(&self, at: Moment, clock: Timestamp) -> Timestamp {
        self.last_read().map_or(clock, |read| {
            let elapsed = Span::from_std(at.since(read.ended)).unwrap_or(Span::MAX);
            after(read.database_now, elapsed).min(clock)
        })
    }

    /// The earliest and the latest time that the database's clock may show now, by the time that has elapsed since the last read.
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

/// What the last read said of the database's clock.
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
    fn things_lapse_by_the_slower_of_the_two_clocks() {
        let moment = |seconds| Moment::from_start(Duration::from_secs(seconds));
        let shared = Shared::default();
        assert_eq!(
            shared.cautious_now(moment(0), clock(7)),
            clock(7),
            "before the first read there is one clock"
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
    fn the_databases_clock_goes_on_between_two_reads_and_is_known_to_the_length_of_a_read() {
        let moment = |seconds| Moment::from_start(Duration::from_secs(seconds));
        let shared = Shared::default();
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
