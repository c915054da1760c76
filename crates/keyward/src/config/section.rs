//! From entries to a typed section, naming every key that does not fit instead of the first.

use super::{
    document::{Document, other_readings},
    mask,
    problem::{Origin, Problem},
};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Reads one section as its type, and names each key whose value does not fit; the default stands in for it, so that the rest of
/// the section is looked at all the same. Keys in `elsewhere` are left out: they steer something else under the same heading.
pub(super) fn read<T: DeserializeOwned>(
    document: &Document,
    name: &str,
    elsewhere: &[&str],
) -> (Option<T>, Vec<Problem>) {
    let mut table = document.section(name);
    let mut fallback: Table = document
        .entries_of(name)
        .map(|(key, entry)| (key.to_owned(), entry.default.clone()))
        .collect();
    fallback.retain(|_, value| value.as_str() != Some(""));
    for key in elsewhere {
        table.remove(*key);
        fallback.remove(*key);
    }
    let mut problems = Vec::new();
    for (key, entry) in document
        .entries_of(name)
        .filter(|(key, _)| !elsewhere.contains(key))
    {
        // A key that was set to `""` is left out like one that was never set.
        if entry.origin == Origin::Default || entry.is_unset() {
            continue;
        }
        let mut readings = vec![entry.value.clone()];
        if let (true, true, Some(text)) = (entry.is_text(), entry.has_no_default(), entry.value.as_str()) {
            readings.extend(other_readings(text));
        }
        let tried = readings.into_iter().map(|value| fits::<T>(&fallback, key, value));
        let mut first_error = None;
        let mut fitting = None;
        for outcome in tried {
            match outcome {
                Ok(value) => {
                    fitting = Some(value);
                    break;
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        match fitting {
            Some(value) => {
                table.insert(key.to_owned(), value);
            }
            None => {
                match fallback.get(key) {
                    Some(default) => drop(table.insert(key.to_owned(), default.clone())),
                    None => drop(table.remove(key)),
                }
                let dotted = format!("{name}.{key}");
                problems.push(misfit(
                    &dotted,
                    &entry.origin,
                    &entry.default,
                    first_error.unwrap_or_default(),
                ));
            }
        }
    }
    match settle(table) {
        Ok(section) => (Some(section), problems),
        Err(what) => {
            problems.push(Problem::about(name, what, ""));
            (None, problems)
        }
    }
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
