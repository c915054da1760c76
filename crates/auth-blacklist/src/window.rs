//! The window of the next read. Commits become visible out of order, so each read overlaps the one before. The window is measured by
//! the database's clock, so it must notice when that clock is set back.

use crate::{config::LONGEST_WRITE, moment::Moment};
use auth_domain::time::{Span, Timestamp, after};
use std::{collections::VecDeque, time::Duration};

/// Whether a read covers everything that had been committed when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// It does, together with the reads before it.
    Complete,
    /// It may not: the database's clock was set back since the last read, and new rows may have times before the window. The next read
    /// has to read everything.
    Incomplete,
}

/// The start of the next read's window.
///
/// A row that becomes visible between two reads was recorded at most [`LONGEST_WRITE`] earlier, by the database's clock at that time.
/// While that clock runs evenly, the look-back covers this and more. If the clock was set **ahead**, the rows of open transactions have
/// times from before the step: so the window uses the lowest of the recent clock readings. If the clock was set **back**, new rows have
/// times before every window. Only the next read notices this; it then does not count, and a read of everything follows. Steps of up to
/// half of the look-back's spare time do no harm. The one step that a node can't notice is a step ahead just before its first read.
#[derive(Debug, Clone)]
pub struct ReadWindow {
    look_back: Duration,
    readings: VecDeque<Reading>,
    read_all: bool,
}

/// A reading of the database's clock, taken no later than `ended`.
#[derive(Debug, Clone, Copy)]
struct Reading {
    database_now: Timestamp,
    ended: Moment,
}

impl ReadWindow {
    /// A window for the first read, which reads everything.
    #[must_use]
    pub const fn new(look_back: Duration) -> Self {
        Self {
            look_back,
            readings: VecDeque::new(),
            read_all: true,
        }
    }

    /// The next read needs only the rows recorded later than this; `None`: all rows.
    #[must_use]
    pub fn after(&self) -> Option<Timestamp> {
        let last = self.readings.back().filter(|_| !self.read_all)?;
        let clocks = self
            .readings
            .iter()
            .map(|reading| after(reading.database_now, span(last.ended.since(reading.ended))));
        let lowest = clocks.min()?;
        Some(
            lowest
                .checked_sub_signed(span(self.look_back))
                .unwrap_or(Timestamp::MIN_UTC),
        )
    }

    /// Records a read that used [`Self::after`], from its start, its end and the database's clock, and returns its coverage.
    pub fn record(&mut self, began: Moment, ended: Moment, database_now: Timestamp) -> Coverage {
        let tolerated = span(self.look_back.saturating_sub(LONGEST_WRITE) / 2);
        // The last reading was taken no later than the end of that read, and this one no earlier than the start of this read. So the
        // clock must have advanced by at least the time in between.
        let set_back = self.readings.back().is_some_and(|last| {
            after(database_now, tolerated) < after(last.database_now, span(began.since(last.ended)))
        });
        self.readings.push_back(Reading { database_now, ended });
        // Keep the reading that applied when the oldest row of an open transaction was recorded; twice the time, for slow reads.
        while self
            .readings
            .get(1)
            .is_some_and(|second| ended.since(second.ended) > 2 * LONGEST_WRITE)
        {
            self.readings.pop_front();
        }
        self.read_all = set_back && !self.read_all;
        if self.read_all {
            Coverage::Incomplete
        } else {
            Coverage::Complete
        }
    }
}

fn span(duration: Duration) -> Span {
    Span::from_std(duration).unwrap_or(Span::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn moment(millis: u64) -> Moment {
        Moment::from_start(Duration::from_millis(millis))
    }

    fn clock(millis: i64) -> Timestamp {
        DateTime::from_timestamp_millis(1_000_000_000 + millis).unwrap()
    }

    fn read_at(window: &mut ReadWindow, elapsed: u64, database: i64) -> Coverage {
        window.record(moment(elapsed), moment(elapsed + 5), clock(database))
    }

    #[test]
    fn the_first_read_takes_everything_and_the_next_one_overlaps_it() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(window.after(), None);
        assert_eq!(read_at(&mut window, 0, 0), Coverage::Complete);
        assert_eq!(window.after(), Some(clock(-30_000)));
    }

    #[test]
    fn after_the_database_clock_is_set_back_the_next_read_takes_everything() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Coverage::Complete);
        assert_eq!(read_at(&mut window, 500, 500 - 60_000), Coverage::Incomplete);
        assert_eq!(window.after(), None);
        assert_eq!(read_at(&mut window, 510, 510 - 60_000), Coverage::Complete);
    }

    #[test]
    fn a_clock_set_back_during_an_outage_is_noticed_though_it_shows_a_later_time() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Coverage::Complete);
        assert_eq!(read_at(&mut window, 60_000, 5_000), Coverage::Incomplete);
    }

    #[test]
    fn after_a_step_ahead_the_window_still_covers_the_rows_of_open_transactions() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Coverage::Complete);
        assert_eq!(read_at(&mut window, 500, 3_600_500), Coverage::Complete);
        assert_eq!(window.after(), Some(clock(500 - 30_000)));
        assert_eq!(read_at(&mut window, 10_000, 3_610_000), Coverage::Complete);
        assert_eq!(window.after(), Some(clock(10_000 - 30_000)));
        assert_eq!(read_at(&mut window, 20_600, 3_620_600), Coverage::Complete);
        assert_eq!(read_at(&mut window, 30_100, 3_630_100), Coverage::Complete);
        assert_eq!(
            window.after(),
            Some(clock(3_600_100)),
            "those transactions have ended"
        );
    }

    #[test]
    fn a_small_step_back_of_the_clock_has_no_effect() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Coverage::Complete);
        assert_eq!(read_at(&mut window, 500, 400), Coverage::Complete);
        assert_eq!(window.after(), Some(clock(400 - 30_000)));
    }
}
