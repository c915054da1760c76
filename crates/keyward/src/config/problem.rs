//! What is wrong with a configuration. The rule: a problem names the key, where its value came from, what is wrong and how to fix it. It
//! never contains the value, which may be a secret in the wrong place. All problems are reported together.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in defaults, `config/default.toml`.
    Default,
    /// A configuration file, and the line in it.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// An option of the command line, by its name.
    Flag(String),
    /// Derived from another key, which is named here.
    Derived(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "option {name}"),
            Self::Derived(from) => write!(f, "from {from}"),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The key (`section.name`), or the name of a file or a variable.
    pub key: String,
    /// Where its value came from.
    pub origin: Option<Origin>,
    /// What is wrong with it.
    pub what: String,
    /// How to fix it.
    pub fix: String,
}

impl ConfigProblem {
    /// A problem with a key.
    pub fn new(
        key: impl Into<String>,
        origin: &Origin,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            origin: Some(origin.clone()),
            what: what.into(),
            fix: fix.into(),
        }
    }

    /// A problem with a file or a variable instead of a key.
    pub fn about(subject: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            key: subject.into(),
            origin: None,
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}", self.what)?;
        if self.fix.is_empty() {
            Ok(())
        } else {
            write!(f, "\n    fix: {}", self.fix)
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(
            f,
            "the configuration has {count} problem{}",
            if count == 1 { "" } else { "s" }
        )?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigProblem> for ConfigErrors {
    fn from(problem: ConfigProblem) -> Self {
        Self(vec![problem])
    }
}
