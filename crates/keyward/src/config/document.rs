//! The keys and their values. The rule: `config/default.toml` is the only list of keys and defaults. A key that is not in it does not
//! exist, and a text from the environment is parsed as the type of the default.

use super::{
    PUBLIC_URL,
    problem::{ConfigProblem, Origin},
};
use std::collections::BTreeMap;
use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

/// The built-in configuration, word for word.
pub const DEFAULT_TOML: &str = include_str!("../../../../config/default.toml");

/// The section whose keys are chosen by the operator.
const CUSTOM_SECTION: &str = "roles.";

/// The key for which an empty text is a value: the routes are then at the root. For every other key it means "not set".
const EMPTY_IS_THE_ROOT: &str = "server.base_path";

/// The value of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The value in force.
    pub value: Value,
    /// The built-in value.
    pub default: Value,
    /// Where the value came from.
    pub origin: Origin,
}

impl Entry {
    /// Whether the key has no value: its default is `""` and nothing was set.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        self.has_no_default() && self.value == self.default
    }

    /// Whether the key has no default, which `default.toml` writes as `""`.
    #[must_use]
    pub fn has_no_default(&self) -> bool {
        self.default.as_str() == Some("")
    }

    /// Whether the value is a text from the environment or an option.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self.origin, Origin::Environment(_) | Origin::Flag(_))
    }
}

/// Every key with its entry, by its dotted name.
#[derive(Debug, Clone, PartialEq)]
pub struct Document(BTreeMap<String, Entry>);

impl Document {
    /// The built-in configuration.
    ///
    /// # Errors
    /// `default.toml` is not valid TOML, which a test rules out.
    pub fn defaults() -> Result<Self, ConfigProblem> {
        let keys = read_toml(DEFAULT_TOML)
            .map_err(|flaw| ConfigProblem::about("the built-in defaults", flaw.what, ""))?;
        let entry = |value: Value| Entry {
            default: value.clone(),
            value,
            origin: Origin::Default,
        };
        Ok(Self(
            keys.into_iter().map(|key| (key.name, entry(key.value))).collect(),
        ))
    }

    /// Every key and its entry, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// One key's entry.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.0.get(key)
    }

    /// Where a key's value came from; [`Origin::Default`] for a key that does not exist.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.get(key)
            .map_or(Origin::Default, |entry| entry.origin.clone())
    }

    /// Whether `server.public_url` follows `server.bind` because it is not set.
    #[must_use]
    pub fn follows_bind(&self) -> bool {
        matches!(self.origin(PUBLIC_URL), Origin::Derived(_))
    }

    /// Sets a value; an empty text sets nothing.
    ///
    /// # Errors
    /// The key does not exist; the problem names the most similar one.
    pub fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigProblem> {
        if value.as_str() == Some("") && self.ignores_empty_text(key) {
            return Ok(());
        }
        self.add_custom(key);
        match self.0.get_mut(key) {
            Some(entry) => {
                entry.value = value;
                entry.origin = origin;
                Ok(())
            }
            None => Err(self.unknown(key, &origin)),
        }
    }

    /// Sets a value from the environment or an option, parsed as the type of the key's default; an empty text sets nothing.
    ///
    /// # Errors
    /// The key does not exist, or the text can't be parsed as its type.
    pub fn set_text(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), ConfigProblem> {
        if text.is_empty() && self.ignores_empty_text(key) {
            return Ok(());
        }
        self.add_custom(key);
        let Some(entry) = self.0.get(key) else {
            return Err(self.unknown(key, &origin));
        };
        match value_like(&entry.default, text) {
            Ok(value) => self.set(key, value, origin),
            Err(what) => Err(ConfigProblem::new(
                key,
                &origin,
                what,
                format!("the default is {}", entry.default),
            )),
        }
    }

    /// Whether an empty text means that the key is not set.
    fn ignores_empty_text(&self, key: &str) -> bool {
        (self.0.contains_key(key) || is_custom(key)) && key != EMPTY_IS_THE_ROOT
    }

    /// Adds a key to `[roles]`, the one section whose keys are chosen by the operator.
    fn add_custom(&mut self, key: &str) {
        if is_custom(key) && !self.0.contains_key(key) {
            let empty = Value::Array(vec![]);
            self.0.insert(
                key.to_owned(),
                Entry {
                    value: empty.clone(),
                    default: empty,
                    origin: Origin::Default,
                },
            );
        }
    }

    /// The keys of one section, without the section's name.
    pub fn entries_of(&self, section: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let prefix = format!("{section}.");
        self.0
            .iter()
            .filter_map(move |(key, entry)| key.strip_prefix(&prefix).map(|short| (short, entry)))
    }

    fn unknown(&self, key: &str, origin: &Origin) -> ConfigProblem {
        let fix = match self.nearest(key) {
            Some(known) => match origin {
                Origin::Environment(_) => format!("did you mean {known} ({})?", environment_name(known)),
                _ => format!("did you mean {known}?"),
            },
            None => "`keyward config show` lists the keys".to_owned(),
        };
        ConfigProblem::new(key, origin, "no such key", fix)
    }

    /// The known key with the most similar name; the same name in another section comes first.
    #[must_use]
    pub fn nearest(&self, key: &str) -> Option<&str> {
        let last = key.rsplit('.').next().unwrap_or(key);
        let likeness = |known: &str| {
            let same_name = known.rsplit('.').next() == Some(last);
            strsim::jaro_winkler(known, key) + if same_name { 1.0 } else { 0.0 }
        };
        self.0
            .keys()
            .map(String::as_str)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    }
}

fn is_custom(key: &str) -> bool {
    key.strip_prefix(CUSTOM_SECTION)
        .is_some_and(|name| !name.is_empty() && !name.contains('.'))
}

/// The environment variable that sets a key.
#[must_use]
pub fn environment_name(key: &str) -> String {
    format!("KEYWARD__{}", key.replace('.', "__").to_uppercase())
}

/// Parses a text as the type of `default`.
fn value_like(default: &Value, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    match default {
        Value::Boolean(_) => match trimmed {
            "true" | "1" => Ok(Value::Boolean(true)),
            "false" | "0" => Ok(Value::Boolean(false)),
            _ => Err("must be true or false".to_owned()),
        },
        Value::Integer(_) => trimmed
            .parse()
            .map(Value::Integer)
            .map_err(|_| "must be a whole number".to_owned()),
        Value::Float(_) => trimmed
            .parse()
            .map(Value::Float)
            .map_err(|_| "must be a number".to_owned()),
        Value::Array(_) if trimmed.starts_with('[') => {
            let table: Table = format!("list = {trimmed}")
                .parse()
                .map_err(|_| "is not a TOML list".to_owned())?;
            table
                .get("list")
                .cloned()
                .ok_or_else(|| "is not a TOML list".to_owned())
        }
        Value::Array(_) => {
            let parts = trimmed.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(Value::Array(
                parts.map(|part| Value::String(part.to_owned())).collect(),
            ))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

/// The other values that a text may stand for if the key has no default and therefore no type.
#[must_use]
pub fn other_readings(text: &str) -> Vec<Value> {
    let kinds = [
        Value::Boolean(false),
        Value::Integer(0),
        Value::Float(0.0),
        Value::Array(vec![]),
    ];
    kinds
        .iter()
        .filter_map(|kind| value_like(kind, text).ok())
        .collect()
}

/// A key of a TOML text.
#[derive(Debug)]
pub struct TomlKey {
    /// Its dotted name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Its line, from 1.
    pub line: usize,
}

/// Why a text is not valid TOML.
#[derive(Debug)]
pub struct TomlFlaw {
    /// What is wrong, without the text itself, which may contain a secret.
    pub what: String,
    /// The line, from 1.
    pub line: usize,
}

/// Parses a TOML text into its keys. A table only groups keys; everything else is a key.
///
/// # Errors
/// The text is not valid TOML.
pub fn read_toml(text: &str) -> Result<Vec<TomlKey>, TomlFlaw> {
    let line_at = |at: usize| {
        text.as_bytes()
            .iter()
            .take(at)
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    };
    let flaw = |error: toml::de::Error| TomlFlaw {
        what: format!(
            "not valid TOML: {}",
            error.message().lines().next().unwrap_or_default()
        ),
        line: error.span().map_or(1, |span| line_at(span.start)),
    };
    let values: Table = text.parse().map_err(flaw)?;
    let places = DeTable::parse(text).map_err(flaw)?;
    let mut keys = Vec::new();
    collect(&values, places.get_ref(), "", &line_at, &mut keys);
    Ok(keys)
}

fn collect(
    values: &Table,
    places: &DeTable<'_>,
    prefix: &str,
    line_at: &dyn Fn(usize) -> usize,
    keys: &mut Vec<TomlKey>,
) {
    for (name, place) in places {
        let plain = name.get_ref().as_ref();
        match (place.get_ref(), values.get(plain)) {
            (DeValue::Table(inner), Some(Value::Table(table))) => {
                collect(table, inner, &format!("{prefix}{plain}."), line_at, keys);
            }
            (_, Some(value)) => keys.push(TomlKey {
                name: format!("{prefix}{plain}"),
                value: value.clone(),
                line: line_at(name.span().start),
            }),
            (_, None) => {}
        }
    }
}
