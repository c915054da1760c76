//! Reads typed sections from the entries. The rule: it reports every invalid key, not only the first.

use super::{
    document::{Document, Entry, other_readings},
    keys::keys_of,
    mask,
    problem::{ConfigErrors, ConfigProblem, Origin},
};
use auth_domain::settings::{Complaint, Section};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Reads the sections, and collects what is wrong with them.
pub(super) struct Reader<'a> {
    document: &'a Document,
    problems: Vec<ConfigProblem>,
    /// The keys whose values can't be parsed.
    unparsable: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// A reader of a document with the problems that are known already.
    pub(super) const fn new(document: &'a Document, problems: Vec<ConfigProblem>) -> Self {
        Self {
            document,
            problems,
            unparsable: BTreeSet::new(),
        }
    }

    /// The document.
    pub(super) const fn document(&self) -> &'a Document {
        self.document
    }

    /// Adds a problem.
    pub(super) fn push(&mut self, problem: ConfigProblem) {
        self.problems.push(problem);
    }

    /// All problems.
    pub(super) fn into_problems(self) -> Vec<ConfigProblem> {
        self.problems
    }

    /// A part of a section, validated. The default replaces a value that can't be parsed, so that the rest is checked anyway.
    ///
    /// # Errors
    /// The defaults can't be parsed, which a test rules out: all problems so far.
    pub(super) fn section<T: Section>(&mut self) -> Result<T, ConfigErrors> {
        let section = self.values::<T>().map_err(|what| {
            self.push(ConfigProblem::about(T::NAME, what, ""));
            ConfigErrors(std::mem::take(&mut self.problems))
        })?;
        self.complain::<T>(section.validate());
        Ok(section)
    }

    /// Adds the complaints of a section. Complaints about a default that replaces an invalid value are left out: the value itself has been
    /// reported.
    pub(super) fn complain<T: Section>(&mut self, complaints: Vec<Complaint>) {
        for Complaint { key, what } in complaints {
            let dotted = format!("{}.{key}", T::NAME);
            if self.unparsable.contains(&dotted) {
                continue;
            }
            let fix = match self.document.get(&dotted) {
                Some(entry) if !entry.has_no_default() => format!("the default is {}", entry.default),
                _ => String::new(),
            };
            let origin = self.document.origin(&dotted);
            self.push(ConfigProblem::new(dotted, &origin, what, fix));
        }
    }

    /// The values of the keys of a part. An invalid value is reported and replaced by the default.
    fn values<T: Section>(&mut self) -> Result<T, String> {
        let keys = keys_of::<T>();
        let document = self.document;
        let entries: Vec<(&str, &Entry)> = document
            .entries_of(T::NAME)
            .filter(|(key, _)| keys.contains(key))
            .collect();
        let defaults: Table = entries
            .iter()
            .filter(|(_, entry)| !entry.has_no_default())
            .map(|(key, entry)| ((*key).to_owned(), entry.default.clone()))
            .collect();
        let mut table = Table::new();
        for (key, entry) in entries {
            if let Some(value) = self.parsed_value::<T>(&defaults, key, entry) {
                table.insert(key.to_owned(), value);
            }
        }
        deserialize(table)
    }

    /// The value of a key, if it has one. A key that is set to `""` counts as not set.
    fn parsed_value<T: Section>(&mut self, defaults: &Table, key: &str, entry: &Entry) -> Option<Value> {
        if entry.is_unset() || entry.origin == Origin::Default {
            return defaults.get(key).cloned();
        }
        let mut first_error = None;
        for value in readings(entry) {
            match fits::<T>(defaults, key, value) {
                Ok(value) => return Some(value),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        let dotted = format!("{}.{key}", T::NAME);
        let error = first_error.unwrap_or_default();
        self.push(unparsable_problem(&dotted, &entry.origin, &entry.default, error));
        self.unparsable.insert(dotted);
        defaults.get(key).cloned()
    }
}

/// The values that an entry may stand for. A text from the environment has several if the key has no default and therefore no type.
fn readings(entry: &Entry) -> Vec<Value> {
    let mut readings = vec![entry.value.clone()];
    if let (true, true, Some(text)) = (entry.is_text(), entry.has_no_default(), entry.value.as_str()) {
        readings.extend(other_readings(text));
    }
    readings
}

/// Parses the section with this one value instead of its default.
fn fits<T: DeserializeOwned>(defaults: &Table, key: &str, value: Value) -> Result<Value, String> {
    let mut table = defaults.clone();
    table.insert(key.to_owned(), value.clone());
    deserialize::<T>(table).map(|_| value)
}

/// Deserializes a section. A required field without a value gets the empty text.
fn deserialize<T: DeserializeOwned>(mut table: Table) -> Result<T, String> {
    loop {
        match table.clone().try_into::<T>() {
            Ok(section) => return Ok(section),
            Err(error) => match missing_field(error.message()) {
                Some(field) if !table.contains_key(field) => {
                    table.insert(field.to_owned(), Value::String(String::new()));
                }
                _ => return Err(error.message().to_owned()),
            },
        }
    }
}

/// The field that serde says is missing.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

fn unparsable_problem(key: &str, origin: &Origin, default: &Value, error: String) -> ConfigProblem {
    // The messages of serde quote the value, which may be a secret.
    let what = if mask::is_secret(key) {
        "is invalid".to_owned()
    } else {
        error
    };
    let fix = match default.as_str() {
        Some("") => "see the key in `config/default.toml`".to_owned(),
        _ => format!("the default is {default}"),
    };
    ConfigProblem::new(key, origin, what, fix)
}
