//! The sections that no other crate has, and what may stand in them.

use auth_redis::{RedisUrls, UnusableUrl};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// `[data]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The folder of the embedded database and its master key.
    pub dir: PathBuf,
    /// A file that holds the master key.
    pub master_key_file: Option<PathBuf>,
    /// Whether everybody may read the file, if it is a mounted secret.
    pub master_key_readable_by_all: bool,
}

/// `[redis]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Where Redis is; several are separated by commas.
    pub url: Option<SecretString>,
}

impl RedisConfig {
    /// Where Redis is, if there is one.
    ///
    /// # Errors
    /// A URL can't be used; validation has refused it before.
    pub fn urls(&self) -> Result<Option<RedisUrls>, UnusableUrl> {
        self.url
            .as_ref()
            .map(|url| RedisUrls::parse(url.expose_secret()))
            .transpose()
    }
}

/// What `[database]` has beside storage's own: how a start meets a database that is down.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartConfig {
    /// How long a start waits for the database; zero is not at all.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
}

/// The keys of `[database]` that [`StartConfig`] has.
pub(super) const START_KEYS: [&str; 1] = ["wait"];

/// `[service]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameConfig {
    /// What the service is called.
    pub name: String,
}

impl DataConfig {
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        if self.dir.as_os_str().is_empty() {
            vec![("dir", "must name a folder".to_owned())]
        } else {
            vec![]
        }
    }
}

impl StartConfig {
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let longest = Duration::from_secs(86_400);
        if self.wait > longest {
            vec![("wait", "must be 0s to 1d".to_owned())]
        } else {
            vec![]
        }
    }
}

impl NameConfig {
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let complaint = || vec![("name", "must be 1 to 100 characters".to_owned())];
        if (1..=100).contains(&self.name.trim().chars().count()) {
            vec![]
        } else {
            complaint()
        }
    }
}

impl RedisConfig {
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        self.urls()
            .err()
            .map(|unusable| ("url", unusable.to_string()))
            .into_iter()
            .collect()
    }
}
