//! How far back the next read goes. Commits become visible out of order, so each read goes back over ground already covered;
//! and it stands on the database's clock, so it has to notice when that clock is set back.

use crate::{config::LONGEST_WRITE, moment::Moment};
use auth_domain::time::{Span, Timestamp, after};
use std::time::Duration;

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
/// A row that shows up between two reads was recorded at most [`LONGEST_WRITE`] before it did. It is missed only if the
/// database's clock went back in between by more than what the look-back has to spare; half of that is what is tolerated here.
#[derive(Debug, Clone)]
pub struct ReadWindow {
    look_back: Duration,
    last: Option<Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    database_now: Timestamp,
    ended: Moment,
}

impl ReadWindow {
    /// Nothing was read yet: the first read takes all.
    #[must_use]
    pub const fn new(look_back: Duration) -> Self {
        Self {
            look_back,
            last: None,
        }
    }

    /// Only what was recorded later than this has to be read; `None`: everything.
    #[must_use]
    pub fn after(&self) -> Option<Timestamp> {
        self.last.map(|last| {
            last.database_now
                .checked_sub_signed(span(self.look_back))
                .unwrap_or(Timestamp::MIN_UTC)
        })
    }

    /// Judges a read that was made with [`Self::after`], from when it began, when it ended and the database's clock.
    pub fn judge(&mut self, began: Moment, ended: Moment, database_now: Timestamp) -> Worth {
        let tolerated = self.look_back.saturating_sub(LONGEST_WRITE) / 2;
        if let Some(last) = self.last {
            // The clock showed `last.database_now` no later than the end of that read, and shows `database_now` no earlier
            // than the beginning of this one: it has to have gone on by at least the time between.
            let due = after(last.database_now, span(began.since(last.ended)));
            if after(database_now, span(tolerated)) < due {
                self.last = None;
                return Worth::ReadAll;
            }
        }
        self.last = Some(Last { database_now, ended });
        Worth::Complete
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
    fn a_clock_that_leaps_ahead_or_is_nudged_back_costs_nothing() {
        let mut window = ReadWindow::new(Duration::from_secs(30));
        assert_eq!(read_at(&mut window, 0, 0), Worth::Complete);
        assert_eq!(read_at(&mut window, 500, 3_600_000), Worth::Complete);
        assert_eq!(read_at(&mut window, 1000, 3_600_400), Worth::Complete);
    }
}
