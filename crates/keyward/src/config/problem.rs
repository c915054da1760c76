//! What is wrong with a configuration: always the key, where its value came from, what is wrong and how to mend it, and
//! never the value itself, since a value may be a secret in the wrong place. All problems are reported at once.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in `config/default.toml`.
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
    /// Worked out from other keys, named here.
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

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key (`section.name`), or the name of what stands in for one (a file, a variable).
    pub key: String,
    /// Where its value came from.
    pub origin: Option<Origin>,
    /// What is wrong with it.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl Problem {
    /// A problem with a key.
    pub fn new(
        key: impl Into<String>,
        origin: &Origin,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            origin: Some(origin.clone()),
            what: what.into(),
            mend: mend.into(),
        }
    }

    /// A problem with something that is no key: a file, a variable.
    pub fn about(subject: impl Into<String>, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            key: subject.into(),
            origin: None,
            what: what.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}", self.what)?;
        if self.mend.is_empty() {
            Ok(())
        } else {
            write!(f, "\n    mend: {}", self.mend)
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Problem>);

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

impl From<Problem> for ConfigErrors {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}
