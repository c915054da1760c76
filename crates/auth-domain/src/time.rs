//! Time is a value: it is read once a request at the edge and handed down.

use chrono::{DateTime, SubsecRound, Utc};

/// A moment in UTC. Stored and compared to the microsecond, which is what PostgreSQL keeps.
pub type Timestamp = DateTime<Utc>;

/// A length of time.
pub type Span = chrono::TimeDelta;

/// Cuts a moment to whole microseconds, so that what was stored equals what is read back.
#[must_use]
pub fn to_micros(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(6)
}

/// The beginning of the hour that a moment is in.
#[must_use]
pub fn hour_of(at: Timestamp) -> Timestamp {
    let seconds = at.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(3_600), 0).unwrap_or(at)
}

/// How long ago `then` was. A clock that stepped back yields zero, never a negative age.
#[must_use]
pub fn age(then: Timestamp, now: Timestamp) -> Span {
    (now - then).max(Span::zero())
}

/// `at + span`, or the end of time where that overflows.
#[must_use]
pub fn after(at: Timestamp, span: Span) -> Timestamp {
    at.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn a_negative_age_counts_as_zero() {
        assert_eq!(age(at(10), at(4)), Span::zero());
        assert_eq!(age(at(4), at(10)), Span::microseconds(6));
    }

    #[test]
    fn an_hour_begins_before_its_moments_also_before_1970() {
        let hour = |micros| hour_of(at(micros)).timestamp();
        assert_eq!((hour(3_600_000_000), hour(7_199_999_999)), (3_600, 3_600));
        assert_eq!((hour(0), hour(-1)), (0, -3_600));
        let first = DateTime::<Utc>::MIN_UTC;
        assert_eq!(hour_of(first), first);
    }

    #[test]
    fn a_moment_is_cut_to_microseconds() {
        let fine = DateTime::from_timestamp(1, 123_456_789).unwrap();
        assert_eq!(to_micros(fine).timestamp_subsec_nanos(), 123_456_000);
    }

    #[test]
    fn adding_beyond_the_calendar_stops_at_its_end() {
        assert_eq!(
            after(DateTime::<Utc>::MAX_UTC, Span::days(1)),
            DateTime::<Utc>::MAX_UTC
        );
    }
}
