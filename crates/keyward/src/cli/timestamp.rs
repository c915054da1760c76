//! Timestamps as people and other programs write them.

use auth_domain::time::{Timestamp, to_micros};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Parses RFC 3339, or what psql and other databases print: a blank instead of the `T`, an offset in hours only, no offset (UTC), or a
/// date only (its beginning in UTC).
pub(crate) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let date_only = || Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc());
    with_offset(text)
        .or_else(|| without_offset(text))
        .or_else(date_only)
        .map(to_micros)
}

fn with_offset(text: &str) -> Option<DateTime<Utc>> {
    let offset_written = || {
        DateTime::parse_from_str(text, "%F %T%.f%#z")
            .or_else(|_| DateTime::parse_from_str(text, "%FT%T%.f%#z"))
    };
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| offset_written())
        .map(|at| at.with_timezone(&Utc))
        .ok()
}

fn without_offset(text: &str) -> Option<DateTime<Utc>> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    NaiveDateTime::parse_from_str(text, "%F %T%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%FT%T%.f"))
        .map(|at| at.and_utc())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_read_as_databases_and_standards_write_it() {
        for (text, right) in [
            ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29t12:00:00z", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29T13:00:00+01:00", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29 12:00:00+00", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29 17:30:00+05:30", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29 17:30:00+0530", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29 07:00:00-05", "2024-02-29T12:00:00+00:00"),
            (
                "2024-02-29 12:00:00.123456+00",
                "2024-02-29T12:00:00.123456+00:00",
            ),
            ("2024-02-29 12:00:00.5", "2024-02-29T12:00:00.500+00:00"),
            ("2024-02-29 12:00:00", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29T12:00:00", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29 12:00:00 UTC", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29 12:00:00Z", "2024-02-29T12:00:00+00:00"),
            (" 2024-02-29 ", "2024-02-29T00:00:00+00:00"),
        ] {
            assert_eq!(
                parse_timestamp(text).map(|at| at.to_rfc3339()).as_deref(),
                Some(right),
                "{text}"
            );
        }
        for wrong in [
            "",
            "yesterday",
            "2023-02-29",
            "2024-02-29 12:00",
            "29.02.2024 12:00:00",
            "12:00:00",
            "1709208000",
            "2024-02-29 12:00:00 CET",
            "2024-02-29 25:00:00+00",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
    }
}
