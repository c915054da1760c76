//! Words that a newer version stored. They are kept as they are, so that an older node beside it can show them.
//!
//! The program closes every stored set of words; no `CHECK` of the schema does. An unknown word is shown as it is where it is
//! only shown. Where it decides something, the safe choice is made.

use std::fmt;

/// A word that this version does not know: 1–40 characters of `a–z`, `0–9`, `_`, `-`, `.` and `:`.
///
/// ```
/// use auth_domain::audit::Action;
///
/// // A row of a newer version is still read, shown and sealed.
/// let action = Action::stored("passkey_added").unwrap();
/// assert_eq!(action.as_str(), "passkey_added");
/// assert_eq!(Action::stored("Not a word"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NewerWord {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl NewerWord {
    /// How long one may be.
    pub const LONGEST: usize = 40;

    /// Reads a word. `None`: no version would store such a text, so the row is damaged.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b':');
        if text.is_empty() || !text.bytes().all(fits) {
            return None;
        }
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self {
            bytes,
            length: u8::try_from(text.len()).ok()?,
        })
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let written = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        // All of it is ASCII.
        std::str::from_utf8(written).unwrap_or_default()
    }
}

impl fmt::Debug for NewerWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for NewerWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_as_it_is_and_nothing_else_is_a_word() {
        let longest = "a".repeat(NewerWord::LONGEST);
        for word in ["x", "factor_added", "grants:read", "v2.token-bound", &longest] {
            assert_eq!(NewerWord::parse(word).unwrap().as_str(), word);
        }
        for text in ["", "Word", "two words", "a\0", "ü", &format!("{longest}a")] {
            assert_eq!(NewerWord::parse(text), None, "{text:?}");
        }
        assert_eq!(format!("{:?}", NewerWord::parse("x").unwrap()), "\"x\"");
    }
}
