//! The values in force and where they came from. The rule: secrets are masked.

use super::{
    document::{Document, Entry},
    mask,
};
use serde::Serialize;
use toml::Value;

/// One key, with its secret masked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownKey {
    /// `section.name`.
    pub key: String,
    /// Its value, with secrets masked; `None` if it has none.
    pub value: Option<Value>,
    /// Where the value came from.
    pub origin: String,
}

/// Every key of a configuration.
#[must_use]
pub(super) fn shown_keys(document: &Document) -> Vec<ShownKey> {
    let shown = |(key, entry): (&str, &Entry)| ShownKey {
        key: key.to_owned(),
        value: (!entry.is_unset()).then(|| mask::shown(key, &entry.value)),
        origin: entry.origin.to_string(),
    };
    document.iter().map(shown).collect()
}

/// The keys as a TOML text, each followed by its origin.
#[must_use]
pub fn as_toml(keys: &[ShownKey]) -> String {
    let mut text = String::new();
    let mut open = "";
    for shown in keys {
        let (section, name) = shown.key.split_once('.').unwrap_or(("", &shown.key));
        if section != open {
            let gap = if open.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}[{section}]\n"));
            open = section;
        }
        let value = shown
            .value
            .as_ref()
            .map_or_else(|| "\"\"".to_owned(), ToString::to_string);
        text.push_str(&format!(
            "{:<46} # {}\n",
            format!("{name} = {value}"),
            shown.origin
        ));
    }
    text.trim_end().to_owned()
}
