//! The configuration: a file and an environment give a complete configuration, or problems that each name a key. The displayed configuration
//! hides every secret and, if the file has none, is equivalent to the file.
//!
//! The input is a TOML text and, after a NUL, lines of `NAME=value`.

#![expect(clippy::panic, reason = "a violated property ends the run")]

use auth_domain::settings::Section as _;
use keyward::{Config, Sources, config::as_toml};
use std::{cell::RefCell, collections::BTreeMap, fs, path::PathBuf};
use tempfile::TempDir;

const SECRET: &str = "Hunter2Hunter2Hunter2Hunter2Hunter2";

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// A file with this text, in a folder of this thread.
fn file(text: &str) -> PathBuf {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a folder"));
        let path = folder.path().join("keyward.toml");
        fs::write(&path, text).expect("a file");
        path
    })
}

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let raw = crate::text(input);
    let (toml, variables) = raw.split_once('\0').unwrap_or((raw, ""));
    let environment: BTreeMap<String, String> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let sources = Sources {
        file: Some(file(toml)),
        environment,
        ..Sources::default()
    };
    match Config::load(&sources) {
        Ok(config) => check_config(&config, variables.is_empty()),
        Err(errors) => {
            assert!(!errors.0.is_empty(), "refused, and nothing is wrong");
            for problem in &errors.0 {
                assert!(!problem.key.is_empty() && !problem.what.is_empty(), "{problem}");
            }
        }
    }
    // A secret in a place that is not secret is shown.
    if !raw.contains(SECRET) {
        check_secrets(sources);
    }
}

fn check_config(config: &Config, is_of_file: bool) {
    assert!(config.server.validate().is_empty() && config.database.validate().is_empty());
    assert!(config.service.argon2.validate().is_empty());
    assert!(config.redis.urls().is_ok());
    let shown = as_toml(&config.shown());
    // A value from the environment is shown as text if its type is unknown.
    if !is_of_file || shown.contains("********") {
        return;
    }
    let again = Config::load(&Sources {
        file: Some(file(&shown)),
        ..Sources::default()
    })
    .unwrap_or_else(|errors| panic!("what is shown can't be read: {errors}\n{shown}"));
    let values = |config: &Config| -> Vec<_> {
        config
            .shown()
            .into_iter()
            .map(|shown| (shown.key, shown.value.map(|value| value.to_string())))
            .collect()
    };
    assert_eq!(
        values(&again),
        values(config),
        "the displayed configuration is the effective one"
    );
}

/// Loads the same sources with secrets in the secret settings, and checks that none is shown.
fn check_secrets(mut sources: Sources) {
    let secrets = [
        ("KEYWARD__TOKENS__SECRET", SECRET.to_owned()),
        ("DATABASE_URL", format!("postgres://keyward:{SECRET}@db/keyward")),
        ("REDIS_URL", format!("redis://:{SECRET}@cache/0")),
        ("KEYWARD_MASTER_KEY", SECRET.to_owned()),
        ("JWT_SECRET", SECRET.to_owned()),
    ];
    for (name, value) in secrets {
        sources.environment.insert(name.to_owned(), value);
    }
    let output = match Config::load(&sources) {
        Ok(config) => format!(
            "{}\n{:?}\n{}",
            as_toml(&config.shown()),
            config.notices,
            config.shown_database()
        ),
        Err(errors) => format!("{errors}\n{errors:?}"),
    };
    assert!(!output.contains(SECRET), "a secret is shown: {output}");
}
