//! The names of the keys of one purpose. They share a hash tag, so in a cluster they are in one slot, on one server.

use std::fmt::Display;

/// The longest prefix that an operator may set, in characters.
const LONGEST_PREFIX: usize = 128;

/// The common beginning of all keys of one purpose: `<prefix>:{<purpose>}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpace {
    stem: String,
}

impl KeySpace {
    /// The keys of a purpose, such as `blacklist`, under the prefix that the operator set.
    #[must_use]
    pub fn new(prefix: &str, purpose: &str) -> Self {
        Self {
            stem: format!("{prefix}:{{{purpose}}}"),
        }
    }

    /// The full key for a name.
    #[must_use]
    pub fn key(&self, name: impl Display) -> String {
        format!("{}:{name}", self.stem)
    }

    /// Why a configured prefix is invalid; `None` if it is valid.
    #[must_use]
    pub fn complaint(prefix: &str, purpose: &str) -> Option<String> {
        let is_allowed =
            |character: char| character.is_ascii_graphic() && character != '{' && character != '}';
        let is_valid = (1..=LONGEST_PREFIX).contains(&prefix.len()) && prefix.chars().all(is_allowed);
        (!is_valid).then(|| {
            format!(
                "must be 1 to {LONGEST_PREFIX} visible ASCII characters without braces: the braces of `{{{purpose}}}` decide the \
                 cluster's slot"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_purpose_share_one_hash_tag() {
        let keys = KeySpace::new("keyward", "limits");
        assert_eq!(keys.key("probe"), "keyward:{limits}:probe");
        assert_eq!(
            keys.key(format_args!("service:{}", 7)),
            "keyward:{limits}:service:7"
        );
    }

    #[test]
    fn a_prefix_that_could_move_keys_to_another_slot_is_refused() {
        for prefix in ["k", "keyward-2:eu", &"k".repeat(128)] {
            assert_eq!(KeySpace::complaint(prefix, "limits"), None, "{prefix}");
        }
        for prefix in ["", "a{b}", "a}", "two words", "é", &"k".repeat(129)] {
            let complaint = KeySpace::complaint(prefix, "limits").unwrap();
            assert!(complaint.contains("`{limits}`"), "{complaint}");
        }
    }
}
