//! When to try again: in headers, in the body, and in words for people.

use actix_web::{
    HttpResponseBuilder,
    http::header::{HeaderName, RETRY_AFTER},
};
use auth_service::LimitStatus;
use std::time::Duration;

/// Sets `Retry-After` in whole seconds, at least one (RFC 9110 §10.2.3).
pub(crate) fn insert_retry_after(answer: &mut HttpResponseBuilder, wait: Duration) {
    answer.insert_header((RETRY_AFTER, whole_seconds(wait)));
}

/// Sets `RateLimit` and `RateLimit-Policy` as the IETF's draft (draft-ietf-httpapi-ratelimit-headers) defines them: the units that are
/// left and the seconds until there is another; the most units at once and the seconds in which they are replenished.
pub(crate) fn insert_limit(answer: &mut HttpResponseBuilder, limit_status: &LimitStatus) {
    let (name, limit) = (limit_status.name.as_str(), limit_status.limit);
    answer.insert_header((
        HeaderName::from_static("ratelimit"),
        format!(
            "\"{name}\";r={};t={}",
            limit_status.remaining,
            whole_seconds(limit_status.retry_after)
        ),
    ));
    answer.insert_header((
        HeaderName::from_static("ratelimit-policy"),
        format!("\"{name}\";q={};w={}", limit.burst(), whole_seconds(limit.per())),
    ));
}

/// Whole seconds, rounded up, and at least one.
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    (span.as_secs() + u64::from(span.subsec_nanos() > 0)).max(1)
}

/// A unit of time in the words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

/// A wait in the largest unit of which it has two or more (or in minutes from one minute on). It is rounded up, so that it is over by then.
pub(crate) fn in_largest_unit(wait: Duration) -> (u64, Unit) {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = whole_seconds(wait);
    let (length, unit) = if seconds < MINUTE {
        (1, Unit::Second)
    } else if seconds < 2 * HOUR {
        (MINUTE, Unit::Minute)
    } else if seconds < 2 * DAY {
        (HOUR, Unit::Hour)
    } else {
        (DAY, Unit::Day)
    };
    (seconds.div_ceil(length), unit)
}

/// The detail of a refusal by a limit.
pub(super) fn too_many_attempts(wait: Duration) -> String {
    let (count, unit) = in_largest_unit(wait);
    let unit = match unit {
        Unit::Second => "second",
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("Too many attempts. Try again in {count} {unit}{plural}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_said_in_the_units_of_a_person_and_rounded_up() {
        let rows = [
            (0, "1 second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (61, "2 minutes"),
            (720, "12 minutes"),
            (3_600, "60 minutes"),
            (7_199, "120 minutes"),
            (7_200, "2 hours"),
            (7_201, "3 hours"),
            (172_799, "48 hours"),
            (172_801, "3 days"),
        ];
        for (seconds, words) in rows {
            let said = too_many_attempts(Duration::from_secs(seconds));
            assert_eq!(said, format!("Too many attempts. Try again in {words}."));
        }
        let said = too_many_attempts(Duration::from_millis(1_001));
        assert!(said.ends_with("in 2 seconds."), "{said}");
    }
}
