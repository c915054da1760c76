//! The layers, the later one winning: built-in defaults, one file, the names of the older services, `DATABASE_URL`,
//! `REDIS_URL` and `RUST_LOG`, `KEYWARD__SECTION__KEY`, options of the command line. An empty variable is as good as none for the plain
//! names, because Compose files pass empty ones on.

use super::{
    document::{Document, Entry, environment_name, read_toml},
    problem::{ConfigErrors, Origin, Problem},
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

/// What a configuration is made from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file that `--config` names. It has to exist.
    pub file: Option<PathBuf>,
    /// The file that is read if it exists and `file` is not given.
    pub usual_file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// Options of the command line: (the option's name, the key, the value).
    pub options: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// This process's environment and, where it exists, [`USUAL_FILE`]. A variable that is not UTF-8 is left out.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            usual_file: Some(PathBuf::from(USUAL_FILE)),
            environment: std::env::vars_os().filter_map(text).collect(),
            ..Self::default()
        }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.trim().is_empty())
    }

    /// Whether the log is set to JSON. It is asked where the configuration may be wrong elsewhere, so that this can be said in the
    /// right form.
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

    /// Lays the layers over one another.
    ///
    /// # Errors
    /// Everything that is wrong in any of them.
    pub fn document(&self) -> Result<Document, ConfigErrors> {
        let mut document = Document::defaults()?;
        let mut problems = Vec::new();
        match (&self.file, &self.usual_file) {
            (Some(path), _) => lay_file(&mut document, path, &mut problems),
            (None, Some(path)) if path.exists() => lay_file(&mut document, path, &mut problems),
            _ => {}
        }
        self.lay_older_names(&mut document, &mut problems);
        for (name, key) in PLAIN_NAMES {
            if let Some(text) = self.variable(name) {
                let laid = document.set_text(key, text, Origin::Environment(name.to_owned()));
                problems.extend(laid.err());
            }
        }
        for (name, text) in &self.environment {
            if let Some(path) = name.strip_prefix("KEYWARD__") {
                let key = path.to_lowercase().replace("__", ".");
                let laid = document.set_text(&key, text, Origin::Environment(name.clone()));
                problems.extend(laid.err());
            }
        }
        for (option, key, text) in &self.options {
            problems.extend(
                document
                    .set_text(key, text, Origin::Flag((*option).to_owned()))
                    .err(),
            );
        }
        problems.extend(self.lay_older_secret(&mut document).err());
        if problems.is_empty() {
            Ok(document)
        } else {
            Err(ConfigErrors(problems))
        }
    }

    /// `JWT_SECRET`, which counts with HS256 alone: left in the environment beside another algorithm, it does nothing.
    fn lay_older_secret(&self, document: &mut Document) -> Result<(), Problem> {
        let shared = document
            .get("tokens.algorithm")
            .is_some_and(|entry| entry.value.as_str() == Some("HS256"));
        let set_by_newer_name = document.get("tokens.secret").is_some_and(Entry::is_text);
        match self.variable("JWT_SECRET") {
            Some(secret) if shared && !set_by_newer_name => {
                let origin = Origin::Environment("JWT_SECRET".to_owned());
                document.set("tokens.secret", Value::String(secret.to_owned()), origin)
            }
            _ => Ok(()),
        }
    }

    /// The variables of the services that Keyward replaces.
    fn lay_older_names(&self, document: &mut Document, problems: &mut Vec<Problem>) {
        let mut lay = |name: &str, key: &str, value: String| {
            let laid = document.set(key, Value::String(value), Origin::Environment(name.to_owned()));
            problems.extend(laid.err());
        };
        let times = [
            ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "tokens.access_ttl", "m"),
            ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "tokens.refresh_ttl", "d"),
        ];
        let mut bad = Vec::new();
        for (name, key, unit) in times {
            match self.variable(name).map(|text| (text, text.trim().parse::<u32>())) {
                Some((_, Ok(number))) => lay(name, key, format!("{number}{unit}")),
                Some((_, Err(_))) => bad.push(not_a_number(name, key)),
                None => {}
            }
        }
        // Without REDIS_HOST the other two are not ours: Kubernetes sets a REDIS_PORT of its own, which is a URL.
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
            lay(
                "REDIS_HOST",
                "redis.url",
                format!("redis://{}:{port}/{db}", host.trim()),
            );
        }
        problems.extend(bad);
    }
}

fn not_a_number(name: &str, key: &str) -> Problem {
    let mend = format!("give a whole number, or set {} instead", environment_name(key));
    Problem::new(
        key,
        &Origin::Environment(name.to_owned()),
        "has to be a whole number",
        mend,
    )
}

fn lay_file(document: &mut Document, path: &Path, problems: &mut Vec<Problem>) {
    let named = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::about(
                named,
                format!("can't be read: {error}"),
                "check --config and the file's mode",
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
        Err(flaw) => problems.push(Problem::about(
            format!("{named} line {}", flaw.line),
            flaw.what,
            "mend the line",
        )),
    }
}
