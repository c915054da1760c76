//! How far back the next read goes. Commits become visible out of order, so each read goes back over ground already covered;
//! and it stands on the database's clock, so it has to notice when that clock is set back.

use crate::{config::LONGEST_WRITE, moment::Moment};
use auth_domain::time::{Span, Timestamp, after};
use std::{collections::VecDeque, time::Duration};

/// What a read is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// With what was read before, it holds everything that was committed when it began.
    Complete,
    /// The database's clock was set back since the last read: new rows may carry times before the window. Read all, now.
    ReadAll,
}

/// Where the next read begins.
///
/// A row that shows up between two reads was recorded at most [`LONGEST_WRITE`] before it did, by what the database's clock
/// showed then. While that clock keeps its pace, the look-back covers this and more. Where it was set **ahead**, the rows that
/// were under way carry times of before: the window goes by the lowest of the clocks that were in force lately. Where it was
/// set **back**, new rows carry times that lie before every window: this shows only at the next read, which then counts for
/// nothing and is followed by one of everything. (Steps of up to half of what the look-back has to spare do no harm. A step
/// ahead just before a node's first read is the one that it can't see.)
#[derive(Debug, Clone)]
pub struct ReadWindow {
    look_back: Duration,
    readings: VecDeque<Reading>,
    read_all: bool,
}

/// What the database's clock showed, no later than at this moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    database_now: Timestamp,
    ended: Moment,
}

impl ReadWindow {
    /// Nothing was read yet: the first read takes all.
    #[must_use]
    pub const fn new(look_back: Duration) -> Self {
        Self {
            look_back,
            readings: VecDeque::new(),
            read_all: true,
        }
    }

    /// Only what was recorded later than this has to be read; `None`: everything.
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

    /// Judges a read that was made with [`Self::after`], from when it began, when it ended and the database's clock.
    pub fn judge(&mut self, began: Moment, ended: Moment, database_now: Timestamp) -> Worth {
        let tolerated = span(self.look_back.saturating_sub(LONGEST_WRITE) / 2);
        // The clock showed the last reading no later than the end of that read, and shows this one no earlier than the
        // beginning of this read: it has to have gone on by at least the time between.
        let set_back = self.readings.back().is_some_and(|last| {
            after(database_now, tolerated) < after(last.database_now, span(began.since(last.ended)))
        });
        self.readings.push_back(Reading { database_now, ended });
        // What was in force when the oldest row under way was recorded stays; twice the time, for reads that took long.
        while self
            .readings
            .get(1)
            .is_some_and(|second| ended.since(second.ended) > 2 * LONGEST_WRITE)
        {
            self.readings.pop_front();
        }
        self.read_all = set_back && !self.read_all;
        if self.read_all {
            Worth::ReadAll
        } else {
            Worth::Complete
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

    fn read_at(window: &mut ReadWindow, elapsed: u64, database: i64) -> Worth {
        window.judge(moment(elapsed), moment(elapsed + 5), clock(database))
    }

    #[test]
    fn the_first_read_takes_all_and_the_next_goes_back() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(window.after(), None);
        assert_eq!(read_at(&mut window, 0, 0), Worth::Complete);
        assert_eq!(window.after(), Some(clock(-30_000)));
    }

    #[test]
    fn a_database_clock_set_back_sends_the_next_read_over_everything() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Worth::Complete);
        assert_eq!(read_at(&mut window, 500, 500 - 60_000), Worth::ReadAll);
        assert_eq!(window.after(), None);
        assert_eq!(read_at(&mut window, 510, 510 - 60_000), Worth::Complete);
    }

    #[test]
    fn a_clock_set_back_during_an_outage_is_noticed_though_it_shows_a_later_time() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Worth::Complete);
        assert_eq!(read_at(&mut window, 60_000, 5_000), Worth::ReadAll);
    }

    #[test]
    fn after_a_leap_ahead_the_window_still_reaches_the_rows_that_were_under_way() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Worth::Complete);
        assert_eq!(read_at(&mut window, 500, 3_600_500), Worth::Complete);
        assert_eq!(window.after(), Some(clock(500 - 30_000)));
        assert_eq!(read_at(&mut window, 10_000, 3_610_000), Worth::Complete);
        assert_eq!(window.after(), Some(clock(10_000 - 30_000)));
        assert_eq!(read_at(&mut window, 20_600, 3_620_600), Worth::Complete);
        assert_eq!(read_at(&mut window, 30_100, 3_630_100), Worth::Complete);
        assert_eq!(
            window.after(),
            Some(clock(3_600_100)),
            "they have come to an end, one way or the other"
        );
    }

    #[test]
    fn a_clock_that_is_nudged_back_costs_nothing() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Worth::Complete);
        assert_eq!(read_at(&mut window, 500, 400), Worth::Complete);
        assert_eq!(window.after(), Some(clock(400 - 30_000)));
    }
}
