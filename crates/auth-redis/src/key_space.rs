//! The names of the keys of one use. They share a literal hash tag, so in a cluster they lie in one slot, on one server.

use std::fmt::Display;

/// The longest prefix that may be set, in characters.
const LONGEST_PREFIX: usize = 128;

/// What the names of all keys of one use begin with: `<prefix>:{<purpose>}`.
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

    /// The key of that name.
    #[must_use]
    pub fn key(&self, name: impl Display) -> String {
        format!("{}:{name}", self.stem)
    }

    /// What is wrong with a prefix that an operator set for this purpose.
    #[must_use]
    pub fn complaint(prefix: &str, purpose: &str) -> Option<String> {
        let may_stand =
            |character: char| character.is_ascii_graphic() && character != '{' && character != '}';
        let fits = (1..=LONGEST_PREFIX).contains(&prefix.len()) && prefix.chars().all(may_stand);
        (!fits).then(|| {
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
    fn all_keys_of_a_use_share_one_hash_tag() {
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
