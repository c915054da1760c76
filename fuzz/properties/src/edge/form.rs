//! Form bodies: parsed as RFC 6749 requires, and otherwise as other form parsers do.

use auth_api::{http::form::decode, oauth::form::Form};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

/// The parameters of the routes.
const NAMES: [&str; 9] = [
    "grant_type",
    "username",
    "password",
    "refresh_token",
    "scope",
    "client_id",
    "client_secret",
    "token",
    "token_type_hint",
];

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    check_encoding(input);
    let Ok(mut form) = Form::parse(input) else {
        assert!(Form::parse(input).is_err(), "refused twice");
        return;
    };
    let pairs = pairs(input);
    assert!(pairs.len() <= 64, "at most 64 parameters");
    for name in NAMES {
        let sent: Vec<&String> = pairs
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value)
            .collect();
        assert!(sent.len() <= 1, "{name} was given twice");
        let value = sent.first().filter(|value| !value.is_empty());
        assert_eq!(form.take(name).as_ref(), value.copied(), "{name}");
        assert_eq!(form.take(name), None, "taken once");
    }
}

/// A second, simple parser for comparison.
fn pairs(input: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8(input.to_vec()).expect("a form that is accepted is UTF-8");
    let value = |raw: &str| {
        let spaced = raw.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .expect("UTF-8")
            .into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, raw)| (value(name), value(raw)))
        .collect()
}

fn check_encoding(input: &[u8]) {
    let encoded = percent_encode(input, NON_ALPHANUMERIC).to_string();
    let back = decode(encoded.as_bytes());
    assert_eq!(
        back.as_deref().map(str::as_bytes),
        std::str::from_utf8(input).ok().map(str::as_bytes)
    );
}
