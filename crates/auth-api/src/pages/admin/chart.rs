//! Numbers over time as a chart (SVG). It is drawn here because pages have no script that could draw it. The rule: a table shows
//! the same numbers as the chart.

use crate::pages::render::Moment;
use auth_domain::time::{Span, Timestamp};
use std::fmt;

/// How far back a chart goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    /// 24 hours, one bar per hour.
    #[default]
    Day,
    /// 7 days, one bar per six hours.
    Week,
    /// 30 days, one bar per day.
    Month,
}

impl Range {
    /// Every range.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The value of the query parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The range that a query parameter names; the shortest for any other value.
    #[must_use]
    pub fn of(value: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|range| range.as_str() == value)
            .unwrap_or_default()
    }

    /// The hours per bar, and the number of bars.
    const fn shape(self) -> (i64, i64) {
        match self {
            Self::Day => (1, 24),
            Self::Week => (6, 28),
            Self::Month => (24, 30),
        }
    }

    /// When the first bar begins, if the last bar includes `now`.
    #[must_use]
    pub fn begin(self, now: Timestamp) -> Timestamp {
        let (hours, bars) = self.shape();
        let width = hours * 3600;
        let last = now.timestamp().div_euclid(width) * width;
        let first = last - (bars - 1) * width;
        Timestamp::from_timestamp(first, 0).unwrap_or(now)
    }
}

/// Width and height of a chart, and the part of it that the bars use.
const WIDTH: f64 = 280.0;
const HEIGHT: f64 = 130.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 112.0;
const SIDE: f64 = 8.0;

/// One bar.
pub struct Bar {
    /// When the bar begins.
    pub from: Moment,
    /// The count that the bar shows.
    pub count: u64,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// One series of numbers.
pub struct Chart {
    /// The chart's name, for ids in the HTML.
    pub id: &'static str,
    /// What the chart shows.
    pub title: String,
    /// Whether it counts something that should be rare.
    pub bad: bool,
    /// The bars, the earliest first.
    pub bars: Vec<Bar>,
    /// The sum of all bars.
    pub total: u64,
    /// The largest bar.
    pub most: u64,
}

impl Chart {
    /// The chart of counts by hour.
    #[must_use]
    pub fn of(
        id: &'static str,
        title: &str,
        bad: bool,
        counts: impl IntoIterator<Item = (Timestamp, u64)>,
        range: Range,
        now: Timestamp,
    ) -> Self {
        let (hours, bars) = range.shape();
        let begin = range.begin(now);
        let mut sums = vec![0_u64; usize::try_from(bars).unwrap_or_default()];
        for (hour, count) in counts {
            let at = (hour - begin).num_seconds().div_euclid(hours * 3600);
            if let Some(sum) = usize::try_from(at).ok().and_then(|at| sums.get_mut(at)) {
                *sum = sum.saturating_add(count);
            }
        }
        let most = sums.iter().copied().max().unwrap_or_default();
        let total = sums.iter().fold(0_u64, |total, sum| total.saturating_add(*sum));
        let step = (WIDTH - 2.0 * SIDE) / bars as f64;
        let bar = |(at, count): (usize, u64)| {
            let share = if most == 0 {
                0.0
            } else {
                count as f64 / most as f64
            };
            let height = share * (BOTTOM - TOP);
            Bar {
                from: Moment(begin + Span::hours(hours) * i32::try_from(at).unwrap_or_default()),
                count,
                x: SIDE + step * at as f64 + step * 0.1,
                y: BOTTOM - height,
                width: step * 0.8,
                height,
            }
        };
        Self {
            id,
            title: title.to_owned(),
            bad,
            bars: sums.into_iter().enumerate().map(bar).collect(),
            total,
            most,
        }
    }

    /// The chart's size, for its `viewBox`.
    #[must_use]
    pub fn size(&self) -> String {
        format!("0 0 {WIDTH} {HEIGHT}")
    }

    /// The baseline of the bars.
    #[must_use]
    pub fn ground(&self) -> Line {
        Line {
            from: SIDE,
            to: WIDTH - SIDE,
            y: BOTTOM,
        }
    }

    /// Where labels begin and end.
    #[must_use]
    pub const fn sides(&self) -> (f64, f64) {
        (SIDE, WIDTH - SIDE)
    }

    /// When the first and the last bar begin.
    #[must_use]
    pub fn ends(&self) -> Option<(Moment, Moment)> {
        Some((self.bars.first()?.from, self.bars.last()?.from))
    }
}

impl fmt::Display for Bar {
    /// As attributes of a `rect`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            x, y, width, height, ..
        } = self;
        write!(
            f,
            "x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\""
        )
    }
}

/// A horizontal line.
pub struct Line {
    from: f64,
    to: f64,
    y: f64,
}

impl fmt::Display for Line {
    /// As attributes of a `line`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, y } = self;
        write!(f, "x1=\"{from}\" x2=\"{to}\" y1=\"{y}\" y2=\"{y}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_hour_is_in_the_bar_that_it_belongs_to() {
        let now = at("2030-01-31T12:34:56Z");
        assert_eq!(Range::Day.begin(now), at("2030-01-30T13:00:00Z"));
        assert_eq!(Range::Week.begin(now), at("2030-01-24T18:00:00Z"));
        assert_eq!(Range::Month.begin(now), at("2030-01-02T00:00:00Z"));
        let counts = [
            (at("2030-01-30T12:00:00Z"), 100), // Before the first bar.
            (at("2030-01-30T13:00:00Z"), 1),
            (at("2030-01-31T11:00:00Z"), 2),
            (at("2030-01-31T12:00:00Z"), 4),
        ];
        let day = Chart::of("sign_in", "Sign-ins", false, counts, Range::Day, now);
        let of = |chart: &Chart| chart.bars.iter().map(|bar| bar.count).collect::<Vec<_>>();
        assert_eq!((day.bars.len(), day.total, day.most), (24, 7, 4));
        assert_eq!((of(&day)[0], of(&day)[22], of(&day)[23]), (1, 2, 4));
        let month = Chart::of("sign_in", "Sign-ins", false, counts, Range::Month, now);
        assert_eq!((month.bars.len(), of(&month)[28], of(&month)[29]), (30, 101, 6));
    }

    #[test]
    fn bars_stay_within_the_picture() {
        let now = at("2030-01-31T12:34:56Z");
        for range in Range::ALL {
            let begin = range.begin(now);
            for counts in [
                vec![],
                vec![(begin, u64::MAX), (now, u64::MAX)],
                vec![(begin, 1), (now, 1_000_000)],
            ] {
                let chart = Chart::of("sign_in", "Sign-ins", false, counts, range, now);
                for bar in &chart.bars {
                    assert!(bar.x >= 0.0 && bar.x + bar.width <= WIDTH, "{bar}");
                    assert!(
                        bar.y >= TOP - 0.01 && bar.y + bar.height <= BOTTOM + 0.01,
                        "{bar}"
                    );
                }
            }
        }
        assert_eq!(Range::of("month"), Range::Month);
        assert_eq!(Range::of("<script>"), Range::Day);
    }
}
