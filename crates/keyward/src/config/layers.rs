//! The layers of the configuration. The rule: a later layer wins. They are the built-in defaults, one file, the variables of the older
//! services, `DATABASE_URL`, `REDIS_URL` and `RUST_LOG`, `KEYWARD__SECTION__KEY`, and options of the command line. An empty variable
//! counts as not set, because Compose files pass empty ones on. A secret may be in a file that the variable with the suffix `_FILE`
//! names.

use super::{
    MASTER_KEY,
    document::{Document, Entry, environment_name, read_toml},
    environment::{self, Meaning},
    mask,
    problem::{ConfigProblem, Origin},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use toml::Value;

/// The file that is read when `--config` names none, if it exists.
pub const USUAL_FILE: &str = "config/keyward.toml";

/// Variables that other programs use for the same thing.
const PLAIN_NAMES: [(&str, &str); 3] = [
    ("DATABASE_URL", "database.url"),
    ("REDIS_URL", "redis.url"),
    ("RUST_LOG", "log.level"),
];

/// The key of the file that holds the master key.
const MASTER_KEY_FILE: &str = "data.master_key_file";

/// The shared secret of the older services.
pub(super) const OLDER_SECRET: &str = "JWT_SECRET";

/// The sources of a configuration.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file that `--config` names. It must exist.
    pub file: Option<PathBuf>,
    /// The file that is read if it exists and `file` is not given.
    pub usual_file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The names of the variables whose values are not UTF-8.
    pub unreadable: Vec<String>,
    /// Options of the command line: (the option's name, the key, the value).
    pub options: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// This process's environment and, where it exists, [`USUAL_FILE`].
    #[must_use]
    pub fn of_process() -> Self {
        let mut sources = Self {
            usual_file: Some(PathBuf::from(USUAL_FILE)),
            ..Self::default()
        };
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => drop(sources.environment.insert(name, value)),
                Err(_) => sources.unreadable.push(name),
            }
        }
        sources
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.trim().is_empty())
    }

    /// Whether the log format is JSON. This also works if the configuration is invalid elsewhere, so that the errors can be logged in the
    /// right format.
    #[must_use]
    pub fn log_is_for_programs(&self) -> bool {
        let of_file = || {
            let path = self.file.as_ref().or(self.usual_file.as_ref())?;
            let file: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
            Some(file.get("log")?.get("format")?.as_str()?.to_owned())
        };
        let format = self
            .variable("KEYWARD__LOG__FORMAT")
            .map(str::to_owned)
            .or_else(of_file);
        format.is_some_and(|format| format.trim() == "json")
    }

    /// Whether a variable is set, or the variable that names a file with its value.
    #[must_use]
    pub fn has_secret(&self, name: &str) -> bool {
        self.variable(name).is_some() || self.variable(&format!("{name}{}", environment::FILE)).is_some()
    }

    /// The value of a secret variable, or of the file that the variable with the suffix `_FILE` names.
    ///
    /// # Errors
    /// Both are set, or the file can't be read.
    pub fn secret(&self, name: &str) -> Result<Option<String>, ConfigProblem> {
        let found = environment::secret(&self.environment, name, name)?;
        Ok(found.map(|(text, _)| text))
    }

    /// Merges the layers. Returns the values in force, and everything that is wrong in any layer.
    pub(super) fn document(&self) -> Result<(Document, Vec<ConfigProblem>), ConfigProblem> {
        let mut document = Document::defaults()?;
        let mut problems = Vec::new();
        match (&self.file, &self.usual_file) {
            (Some(path), _) => apply_file(&mut document, path, &mut problems),
            (None, Some(path)) if path.exists() => apply_file(&mut document, path, &mut problems),
            _ => {}
        }
        self.apply_older_names(&mut document, &mut problems);
        for (name, key) in PLAIN_NAMES {
            problems.extend(self.apply_plain_name(&mut document, name, key).err());
        }
        problems.extend(self.apply_master_key_file(&mut document).err());
        self.apply_own_names(&mut document, &mut problems);
        for (option, key, text) in &self.options {
            let origin = Origin::Flag((*option).to_owned());
            problems.extend(document.set_text(key, text, origin).err());
        }
        problems.extend(self.apply_older_secret(&mut document).err());
        Ok((document, problems))
    }

    fn apply_plain_name(&self, document: &mut Document, name: &str, key: &str) -> Result<(), ConfigProblem> {
        let origin = || Origin::Environment(name.to_owned());
        let found = if mask::is_secret(key) {
            environment::secret(&self.environment, key, name)?
        } else {
            self.variable(name).map(|text| (text.to_owned(), origin()))
        };
        found.map_or(Ok(()), |(text, origin)| document.set_text(key, &text, origin))
    }

    /// `KEYWARD_MASTER_KEY_FILE`: this file has its own key, and its own rule about who may read it.
    fn apply_master_key_file(&self, document: &mut Document) -> Result<(), ConfigProblem> {
        let name = format!("{MASTER_KEY}{}", environment::FILE);
        match (self.variable(MASTER_KEY), self.variable(&name)) {
            (Some(_), Some(_)) => Err(environment::both_set(MASTER_KEY_FILE, MASTER_KEY, &name)),
            (None, Some(file)) => document.set_text(MASTER_KEY_FILE, file, Origin::Environment(name)),
            (_, None) => Ok(()),
        }
    }

    /// `KEYWARD__SECTION__KEY`, and every other name that begins with `KEYWARD_`.
    fn apply_own_names(&self, document: &mut Document, problems: &mut Vec<ConfigProblem>) {
        let mut set_by = BTreeMap::new();
        for (name, text) in &self.environment {
            let origin = Origin::Environment(name.clone());
            let applied = match environment::meaning(document, name, text) {
                None | Some(Meaning::ReadElsewhere | Meaning::Kubernetes) => Ok(()),
                Some(Meaning::Unknown) => Err(environment::unknown(document, name)),
                Some(Meaning::Key(key)) if text.is_empty() => document.set_text(&key, text, origin),
                Some(Meaning::Key(key)) => match set_by.insert(key.clone(), name) {
                    Some(other) => Err(environment::both_set(&key, other, name)),
                    None => document.set_text(&key, text, origin),
                },
                Some(Meaning::FileOf { key, beside }) => {
                    environment::secret(&self.environment, &key, &beside).and_then(|found| {
                        found.map_or(Ok(()), |(text, origin)| document.set_text(&key, &text, origin))
                    })
                }
            };
            problems.extend(applied.err());
        }
        let concerns = |name: &&String| {
            let plain = name.strip_suffix(environment::FILE).unwrap_or(name);
            environment::meaning(document, name, "").is_some()
                || plain == OLDER_SECRET
                || PLAIN_NAMES.iter().any(|(known, _)| *known == plain)
        };
        problems.extend(self.unreadable.iter().filter(concerns).map(|name| {
            ConfigProblem::about(
                name,
                "its value is not UTF-8 text",
                "set it to UTF-8 text, or unset it",
            )
        }));
    }

    /// The variables that Kubernetes sets for a service with the name keyward.
    pub(super) fn of_kubernetes(&self, document: &Document) -> Vec<&str> {
        let made = self
            .environment
            .iter()
            .filter(|(name, text)| environment::meaning(document, name, text) == Some(Meaning::Kubernetes));
        made.map(|(name, _)| name.as_str()).collect()
    }

    /// The variables whose names differ by one letter from a name without Keyward's prefix, each with that name. They may belong to
    /// another program.
    pub(super) fn almost_known(&self) -> Vec<(&str, String)> {
        let plain = ["DATABASE_URL", "REDIS_URL", OLDER_SECRET];
        let known: Vec<String> = plain
            .iter()
            .flat_map(|name| [(*name).to_owned(), format!("{name}{}", environment::FILE)])
            .collect();
        let names = self
            .environment
            .keys()
            .filter(|name| self.variable(name).is_some());
        names
            .filter(|name| !known.contains(name))
            .filter_map(|name| {
                let near = |known: &&String| strsim::damerau_levenshtein(known, name) == 1;
                known
                    .iter()
                    .find(near)
                    .map(|meant| (name.as_str(), meant.clone()))
            })
            .collect()
    }

    /// `JWT_SECRET`, which is used with HS256 only. With another algorithm it has no effect.
    fn apply_older_secret(&self, document: &mut Document) -> Result<(), ConfigProblem> {
        let shared = document
            .get("tokens.algorithm")
            .is_some_and(|entry| entry.value.as_str() == Some("HS256"));
        let set_by_newer_name = document.get("tokens.secret").is_some_and(Entry::is_text);
        if !shared || set_by_newer_name {
            return Ok(());
        }
        match environment::secret(&self.environment, "tokens.secret", OLDER_SECRET)? {
            Some((secret, origin)) => document.set("tokens.secret", Value::String(secret), origin),
            None => Ok(()),
        }
    }

    /// The variables of the services that Keyward replaces.
    fn apply_older_names(&self, document: &mut Document, problems: &mut Vec<ConfigProblem>) {
        let mut apply = |name: &str, key: &str, value: String| {
            let applied = document.set(key, Value::String(value), Origin::Environment(name.to_owned()));
            problems.extend(applied.err());
        };
        let times = [
            ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "tokens.access_ttl", "m"),
            ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "tokens.refresh_ttl", "d"),
        ];
        let mut bad = Vec::new();
        for (name, key, unit) in times {
            match self.variable(name).map(|text| (text, text.trim().parse::<u32>())) {
                Some((_, Ok(number))) => apply(name, key, format!("{number}{unit}")),
                Some((_, Err(_))) => bad.push(not_a_number(name, key)),
                None => {}
            }
        }
        // Without REDIS_HOST the other two are not for Keyward: Kubernetes sets a REDIS_PORT of its own, which is a URL.
        if let Some(host) = self.variable("REDIS_HOST") {
            let mut part =
                |name: &str, usual: u16| match self.variable(name).map(|text| text.trim().parse::<u16>()) {
                    Some(Ok(number)) => number,
                    Some(Err(_)) => {
                        bad.push(not_a_number(name, "redis.url"));
                        usual
                    }
                    None => usual,
                };
            let (port, db) = (part("REDIS_PORT", 6379), part("REDIS_DB", 0));
            apply(
                "REDIS_HOST",
                "redis.url",
                format!("redis://{}:{port}/{db}", host.trim()),
            );
        }
        problems.extend(bad);
    }
}

fn not_a_number(name: &str, key: &str) -> ConfigProblem {
    let fix = format!("give a whole number, or set {} instead", environment_name(key));
    ConfigProblem::new(
        key,
        &Origin::Environment(name.to_owned()),
        "must be a whole number",
        fix,
    )
}

fn apply_file(document: &mut Document, path: &Path, problems: &mut Vec<ConfigProblem>) {
    let named = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(ConfigProblem::about(
                named,
                format!("can't be read: {error}"),
                "check --config and the permissions of the file",
            ));
            return;
        }
    };
    match read_toml(&text) {
        Ok(keys) => {
            for key in keys {
                let origin = Origin::File {
                    path: path.to_owned(),
                    line: key.line,
                };
                problems.extend(document.set(&key.name, key.value, origin).err());
            }
        }
        Err(flaw) => problems.push(ConfigProblem::about(
            format!("{named} line {}", flaw.line),
            flaw.what,
            "correct the line",
        )),
    }
}
