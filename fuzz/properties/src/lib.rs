//! The properties of every parser for any input. Each module has one function, `check`, which takes the bytes of an input and panics if a
//! property does not hold. The libFuzzer targets call it with generated inputs, and `cargo test` with the corpus.
//!
//! The rule: "does not panic" is never the whole property. An accepted value survives a round trip through its text, is canonical, and is
//! within its bounds. A refused input is refused again, and the error repeats no secret.

#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "a violated property ends the run")]

pub mod address;
pub mod claims;
#[cfg(feature = "edge")]
pub mod edge;
pub mod identifiers;
pub mod names;
pub mod password;
pub mod password_hash;

/// The name of a target and its property.
pub type Target = (&'static str, fn(&[u8]));

/// The parsers of the domain.
pub const DOMAIN: [Target; 6] = [
    ("address", address::check),
    ("claims", claims::check),
    ("identifiers", identifiers::check),
    ("names", names::check),
    ("password", password::check),
    ("password_hash", password_hash::check),
];

/// The longest prefix of the input that is valid UTF-8.
#[must_use]
pub fn text(input: &[u8]) -> &str {
    match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => {
            let good = input.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(good).unwrap_or_default()
        }
    }
}

/// The first byte of the input, which selects a variant, and the rest.
#[must_use]
pub fn choice(input: &[u8]) -> (u8, &[u8]) {
    input
        .split_first()
        .map_or((0, input), |(first, rest)| (*first, rest))
}
