//! The sections that belong to no other crate, and their validation.

use auth_domain::settings::{Complaint, Complaints, Section};
use auth_redis::{InvalidRedisUrl, RedisUrls};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// `[data]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The folder of the embedded database and of its master key.
    pub dir: PathBuf,
    /// A file that holds the master key.
    pub master_key_file: Option<PathBuf>,
    /// Whether the file may be readable by all users, if it is a mounted secret.
    pub master_key_readable_by_all: bool,
}

/// `[redis]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// The URL of Redis; several are separated by commas.
    pub url: Option<SecretString>,
}

impl RedisConfig {
    /// The URLs of Redis, if there are any.
    ///
    /// # Errors
    /// A URL is invalid; validation has refused it before.
    pub fn urls(&self) -> Result<Option<RedisUrls>, InvalidRedisUrl> {
        self.url
            .as_ref()
            .map(|url| RedisUrls::parse(url.expose_secret()))
            .transpose()
    }
}

/// The keys of `[database]` that storage does not have: what a start does if the database is down.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartConfig {
    /// How long a start waits for the database; zero means that it does not wait.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
}

/// `[service]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameConfig {
    /// The name of the service.
    pub name: String,
}

impl Section for DataConfig {
    const NAME: &'static str = "data";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.unless(!self.dir.as_os_str().is_empty(), "dir", "must name a folder");
        complaints.into_vec()
    }
}

impl Section for StartConfig {
    const NAME: &'static str = "database";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        let longest = Duration::from_secs(86_400);
        complaints.unless(self.wait <= longest, "wait", "must be 0s to 1d");
        complaints.into_vec()
    }
}

impl Section for NameConfig {
    const NAME: &'static str = "service";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        let length = self.name.trim().chars().count();
        complaints.unless((1..=100).contains(&length), "name", "must be 1 to 100 characters");
        complaints.into_vec()
    }
}

impl Section for RedisConfig {
    const NAME: &'static str = "redis";

    fn validate(&self) -> Vec<Complaint> {
        let unusable = self.urls().err();
        let complaint = unusable.map(|unusable| Complaint::new("url", unusable.to_string()));
        complaint.into_iter().collect()
    }
}
