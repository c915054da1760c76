//! Rate limits: how often something may be done. [`decide`] is pure and total, and follows the generic cell rate algorithm
//! (ITU-T I.371, Annex A).
//!
//! A counter is one stored time, the *theoretical arrival time* (TAT): when the whole limit is available again. Each grant moves
//! it forward by the limit's interval. A request that would move it further ahead than the window is refused, and the counter
//! stays as it is. So a counter refills by itself, unit by unit, and one whose TAT has passed need not be stored.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// The most that a limit may allow at once.
pub const MOST_AT_ONCE: u32 = 1_000_000;
/// The longest time over which a limit may be refilled, in seconds: 31 days.
const LONGEST: u32 = 31 * 86_400;
/// Units a second that a limit may give back at the most: one each millisecond.
const FASTEST: u32 = 1_000;
/// How far clocks may be apart. A TAT that is further ahead than its limit's window and this was set by a clock that has stepped
/// back since. Such a counter is treated as one with a single unit left: otherwise its users would be refused until the clock has
/// caught up.
pub const CLOCK_SLACK: Duration = Duration::from_secs(10);

/// At most `burst` at once, refilled evenly over a time: `10/1m` gives one back every six seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    burst: u32,
    seconds: u32,
}

/// Why a limit is refused. The messages are for the operator who wrote the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableLimit {
    /// Not of the form.
    #[error("a limit is written <how many>/<time>, as in 10/1m; the time is a whole number of s, m, h or d")]
    Form,
    /// Nothing, or too much at once.
    #[error("a limit allows 1 to {MOST_AT_ONCE} at once")]
    Burst,
    /// Too short, too long, or not in whole seconds.
    #[error("a limit is refilled over 1s to 31d, in whole seconds")]
    Time,
    /// So fast that it limits nothing.
    #[error("a limit gives back one each millisecond at the most: {FASTEST}/1s")]
    TooFast,
}

impl Limit {
    /// At most `burst` at once, refilled evenly over `per`.
    pub fn new(burst: u32, per: Duration) -> Result<Self, UnusableLimit> {
        if burst == 0 || burst > MOST_AT_ONCE {
            return Err(UnusableLimit::Burst);
        }
        let seconds = u32::try_from(per.as_secs()).map_err(|_| UnusableLimit::Time)?;
        if seconds == 0 || seconds > LONGEST || per.subsec_nanos() != 0 {
            return Err(UnusableLimit::Time);
        }
        if burst > seconds.saturating_mul(FASTEST) {
            return Err(UnusableLimit::TooFast);
        }
        Ok(Self { burst, seconds })
    }

    /// The same for constants in the code: a figure that is out of range is replaced by the nearest that is in range.
    #[must_use]
    pub const fn nearest(burst: u32, seconds: u32) -> Self {
        let seconds = between(1, seconds, LONGEST);
        let most = between(1, seconds.saturating_mul(FASTEST), MOST_AT_ONCE);
        Self {
            burst: between(1, burst, most),
            seconds,
        }
    }

    /// How many are allowed at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// The time over which all of them come back.
    #[must_use]
    pub const fn per(self) -> Duration {
        Duration::from_secs(self.seconds as u64)
    }

    /// The time after which one comes back, in whole microseconds, rounded up.
    #[must_use]
    pub const fn interval(self) -> Duration {
        Duration::from_micros((self.seconds as u64 * 1_000_000).div_ceil(self.burst as u64))
    }

    /// How far ahead a TAT may be: `burst` intervals.
    #[must_use]
    pub const fn window(self) -> Duration {
        self.interval().saturating_mul(self.burst)
    }
}

const fn between(least: u32, figure: u32, most: u32) -> u32 {
    if figure < least {
        least
    } else if figure > most {
        most
    } else {
        figure
    }
}

/// The decision about one requested unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateDecision {
    /// The unit is granted, once the new TAT is stored.
    Granted {
        /// The counter from now on.
        tat: Timestamp,
        /// How many more would be granted at this moment.
        remaining: u32,
        /// After how long it will be as if nothing had been had.
        reset_after: Duration,
    },
    /// The unit is refused, and the counter stays as it is.
    Refused {
        /// After how long a unit is available.
        retry_after: Duration,
        /// After how long it will be as if nothing had been had.
        reset_after: Duration,
    },
}

/// Decides about one unit. `tat` is the counter as stored; `None` if none is. The last `reserve` units of the limit are left to
/// other requests on the same counter; at least one unit remains for this one.
///
/// ```
/// use auth_domain::{
///     rate::{Limit, RateDecision, decide, refund},
///     time::Timestamp,
/// };
/// use std::time::Duration;
///
/// let limit: Limit = "1/1m".parse()?;
/// let now = Timestamp::UNIX_EPOCH;
/// let RateDecision::Granted { tat, remaining: 0, .. } = decide(None, now, limit, 0) else {
///     panic!("the first unit is granted");
/// };
/// let refused = decide(Some(tat), now, limit, 0);
/// assert!(matches!(refused, RateDecision::Refused { retry_after, .. } if retry_after == Duration::from_secs(60)));
/// // With the unit refunded there is one again.
/// let again = decide(Some(refund(tat, limit)), now, limit, 0);
/// assert!(matches!(again, RateDecision::Granted { .. }));
/// # Ok::<(), auth_domain::rate::UnusableLimit>(())
/// ```
#[must_use]
pub fn decide(tat: Option<Timestamp>, now: Timestamp, limit: Limit, reserve: u32) -> RateDecision {
    let interval = micros(limit.interval());
    let units = limit.burst().saturating_sub(reserve).max(1);
    let window = interval * i64::from(units);
    let ahead = tat.map_or(0, |tat| ahead(tat, now, limit, window));
    let next = ahead + interval;
    if next > window {
        return RateDecision::Refused {
            retry_after: length(next - window),
            reset_after: length(ahead),
        };
    }
    RateDecision::Granted {
        tat: moment(now.timestamp_micros().saturating_add(next)),
        remaining: u32::try_from((window - next) / interval).unwrap_or(0),
        reset_after: length(next),
    }
}

/// The counter with one unit refunded. A counter that had none taken ends up in the past, which equals an absent one.
#[must_use]
pub fn refund(tat: Timestamp, limit: Limit) -> Timestamp {
    moment(tat.timestamp_micros().saturating_sub(micros(limit.interval())))
}

/// How far ahead of now a counter is, as far as it can be believed; never more than the limit's window and the slack of the
/// clocks. `window` is the part of it that the request may use.
fn ahead(tat: Timestamp, now: Timestamp, limit: Limit, window: i64) -> i64 {
    let ahead = tat.timestamp_micros().saturating_sub(now.timestamp_micros());
    if ahead > micros(limit.window()) + micros(CLOCK_SLACK) {
        window - micros(limit.interval())
    } else {
        ahead.max(0)
    }
}

/// No limit overflows: a month has 2.7 million million microseconds.
fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

fn length(micros: i64) -> Duration {
    Duration::from_micros(micros.unsigned_abs())
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN_UTC
    } else {
        Timestamp::MAX_UTC
    })
}

/// What the units of time are called, the longest first.
const UNITS: [(&str, u32); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

impl fmt::Display for Limit {
    /// In the longest unit that gives a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |&&(_, seconds): &&(&str, u32)| self.seconds.is_multiple_of(seconds);
        let (unit, seconds) = UNITS.iter().find(whole).copied().unwrap_or(("s", 1));
        write!(f, "{}/{}{unit}", self.burst, self.seconds / seconds)
    }
}

impl FromStr for Limit {
    type Err = UnusableLimit;

    fn from_str(text: &str) -> Result<Self, UnusableLimit> {
        let (burst, time) = text.split_once('/').ok_or(UnusableLimit::Form)?;
        let burst = digits(burst).ok_or(UnusableLimit::Form)?;
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, seconds)| Some((digits(time.strip_suffix(name)?)?, u64::from(*seconds))))
            .ok_or(UnusableLimit::Form)?;
        let burst = u32::try_from(burst).map_err(|_| UnusableLimit::Burst)?;
        Self::new(burst, Duration::from_secs(number.saturating_mul(unit)))
    }
}

/// A number without a sign or blanks. One that is too large becomes the largest.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Serialize for Limit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
