//! What must hold of every parser, whatever it is given. Each module has one function, `check`, that takes the bytes of an
//! input and panics if a property is lost; a target of libFuzzer calls it with what it finds, and `cargo test` with the corpus.
//!
//! The rule: "it does not panic" is never the whole property. What was accepted is shown and read back alike, is canonical, and
//! is within its bounds; what was refused is refused again, and its words repeat no secret.

#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "a property that is lost ends its run")]

pub mod address;
pub mod claims;
#[cfg(feature = "edge")]
pub mod edge;
pub mod identifiers;
pub mod names;
pub mod password;
pub mod password_hash;

/// A target's name, and its property.
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

/// The input as a text: its longest part from the start that is UTF-8.
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

/// The input's first byte, for choosing with, and the rest.
#[must_use]
pub fn choice(input: &[u8]) -> (u8, &[u8]) {
    input
        .split_first()
        .map_or((0, input), |(first, rest)| (*first, rest))
}
