//! The text of a limit, and which texts are refused.

use crate::limit;
use auth_domain::rate::{Limit, UnusableLimit};
use std::time::Duration;

#[test]
fn a_limit_is_read_and_shown_in_its_longest_unit() {
    for (text, burst, seconds, shown) in [
        ("10/1m", 10, 60, "10/1m"),
        ("5/60m", 5, 3_600, "5/1h"),
        ("100/90m", 100, 5_400, "100/90m"),
        ("1/31d", 1, 2_678_400, "1/31d"),
        ("1000000/1000s", 1_000_000, 1_000, "1000000/1000s"),
        ("007/05s", 7, 5, "7/5s"),
    ] {
        let read = limit(text);
        assert_eq!((read.burst(), read.per()), (burst, Duration::from_secs(seconds)));
        assert_eq!(read.to_string(), shown);
        assert_eq!(limit(shown), read);
        assert_eq!(Limit::nearest(burst, u32::try_from(seconds).unwrap()), read);
    }
}

#[test]
fn an_invalid_limit_is_refused_with_the_reason() {
    use UnusableLimit::{Burst, Form, Time, TooFast};
    for (text, wrong) in [
        ("", Form),
        ("10", Form),
        ("10/", Form),
        ("/1m", Form),
        ("10/m", Form),
        ("10/1", Form),
        ("10/1w", Form),
        ("10/1.5h", Form),
        ("-10/1m", Form),
        ("10/-1m", Form),
        ("+10/1m", Form),
        ("10 / 1m", Form),
        ("10/1m ", Form),
        ("10/1h30m", Form),
        ("ten/1m", Form),
        ("0/1m", Burst),
        ("1000001/31d", Burst),
        ("99999999999999999999999/1m", Burst),
        ("10/0s", Time),
        ("10/32d", Time),
        ("10/99999999999999999999999d", Time),
        ("1001/1s", TooFast),
    ] {
        assert_eq!(text.parse::<Limit>(), Err(wrong), "{text:?}");
    }
    assert_eq!(Limit::new(1, Duration::from_millis(1_500)), Err(Time));
    assert!(Form.to_string().contains("10/1m"));
}

#[test]
fn numbers_out_of_range_become_the_nearest() {
    assert_eq!(Limit::nearest(0, 0), limit("1/1s"));
    assert_eq!(Limit::nearest(u32::MAX, 1), limit("1000/1s"));
    assert_eq!(Limit::nearest(u32::MAX, u32::MAX), limit("1000000/31d"));
}

#[test]
fn a_limit_is_a_string_in_the_configuration() {
    assert_eq!(serde_json::to_string(&limit("10/1m")).unwrap(), "\"10/1m\"");
    assert_eq!(
        serde_json::from_str::<Limit>("\"10/1m\"").unwrap(),
        limit("10/1m")
    );
    let refused = serde_json::from_str::<Limit>("\"0/1m\"").unwrap_err().to_string();
    assert!(refused.contains("1 to 1000000"), "{refused}");
    assert!(serde_json::from_str::<Limit>("10").is_err());
}
