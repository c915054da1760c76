//! From entries to typed sections, naming every key that does not fit instead of the first.

use super::{
    document::{Document, Entry, other_readings},
    keys::keys_of,
    mask,
    problem::{ConfigErrors, Origin, Problem},
};
use auth_domain::settings::{Complaint, Section};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Reads the sections, and gathers what is wrong with them.
pub(super) struct Reader<'a> {
    document: &'a Document,
    problems: Vec<Problem>,
    /// The keys whose values can't be read at all.
    misfits: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// A reader of a document, and what is wrong with it already.
    pub(super) const fn new(document: &'a Document, problems: Vec<Problem>) -> Self {
        Self {
            document,
            problems,
            misfits: BTreeSet::new(),
        }
    }

    /// The document.
    pub(super) const fn document(&self) -> &'a Document {
        self.document
    }

    /// Something is wrong.
    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Everything that is wrong.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The keys of a section that this part of it has, checked. The default stands in for a value that can't be read, so that the
    /// rest is looked at all the same.
    ///
    /// # Errors
    /// Everything found so far, where the defaults themselves can't be read: a fault of the program, which a test rules out.
    pub(super) fn section<T: Section>(&mut self) -> Result<T, ConfigErrors> {
        let section = self.values::<T>().map_err(|what| {
            self.push(Problem::about(T::NAME, what, ""));
            ConfigErrors(std::mem::take(&mut self.problems))
        })?;
        self.complain::<T>(section.validate());
        Ok(section)
    }

    /// Takes up what a section complains of. The default stands in for a value that could not be read: that has been said, and
    /// what the default is or does is no complaint of the operator's.
    pub(super) fn complain<T: Section>(&mut self, complaints: Vec<Complaint>) {
        for Complaint { key, what } in complaints {
            let dotted = format!("{}.{key}", T::NAME);
            if self.misfits.contains(&dotted) {
                continue;
            }
            let mend = match self.document.get(&dotted) {
                Some(entry) if !entry.has_no_default() => format!("the default is {}", entry.default),
                _ => String::new(),
            };
            let origin = self.document.origin(&dotted);
            self.push(Problem::new(dotted, &origin, what, mend));
        }
    }

    /// The values of a part's keys; each that does not fit is named, and its default taken.
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
            if let Some(value) = self.fitting::<T>(&defaults, key, entry) {
                table.insert(key.to_owned(), value);
            }
        }
        settle(table)
    }

    /// The value of a key, if it has one. A key that was set to `""` is left out like one that was never set.
    fn fitting<T: Section>(&mut self, defaults: &Table, key: &str, entry: &Entry) -> Option<Value> {
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
        self.push(misfit(&dotted, &entry.origin, &entry.default, error));
        self.misfits.insert(dotted);
        defaults.get(key).cloned()
    }
}

/// What a value may be read as: a text of the environment is read in several ways where the default tells no kind.
fn readings(entry: &Entry) -> Vec<Value> {
    let mut readings = vec![entry.value.clone()];
    if let (true, true, Some(text)) = (entry.is_text(), entry.has_no_default(), entry.value.as_str()) {
        readings.extend(other_readings(text));
    }
    readings
}

/// Whether the section can be read with this one value in place of its default.
fn fits<T: DeserializeOwned>(defaults: &Table, key: &str, value: Value) -> Result<Value, String> {
    let mut table = defaults.clone();
    table.insert(key.to_owned(), value.clone());
    settle::<T>(table).map(|_| value)
}

/// Deserialises; a field that must be there and has no value is given the empty text.
fn settle<T: DeserializeOwned>(mut table: Table) -> Result<T, String> {
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

fn misfit(key: &str, origin: &Origin, default: &Value, error: String) -> Problem {
    // serde's messages quote the value, which nobody may see if it is a secret.
    let what = if mask::is_secret(key) {
        "does not fit".to_owned()
    } else {
        error
    };
    let mend = match default.as_str() {
        Some("") => "see the key's line in `config/default.toml`".to_owned(),
        _ => format!("the default is {default}"),
    };
    Problem::new(key, origin, what, mend)
}
