//! The section `[database]` of the configuration. The rule: every value is checked without opening anything.

use crate::fitness;
use auth_domain::settings::{Complaint, Complaints, Section};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{path::Path, time::Duration};

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite, embedded: one process serves.
    Sqlite,
    /// PostgreSQL: any number of processes serve.
    Postgres,
}

/// Which database is used, and how many requests it handles or queues at a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`. Secret: it may hold a password.
    pub url: SecretString,
    /// How many connections there are: all of them on PostgreSQL, the reading ones on SQLite.
    pub pool_size: u32,
    /// How many requests may wait for a connection; a further one is refused at once.
    pub queue: usize,
    /// How long a request may wait for a connection.
    #[serde(with = "humantime_serde")]
    pub acquire_timeout: Duration,
    /// Whether statements are prepared on PostgreSQL. Turn it off behind PgBouncer in transaction mode.
    pub prepared_statements: bool,
    /// Whether `serve` migrates an older schema. Default: yes on SQLite, no on PostgreSQL.
    pub auto_migrate: Option<bool>,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: SecretString::from("sqlite://data/keyward.db"),
            pool_size: 8,
            queue: 1024,
            acquire_timeout: Duration::from_secs(2),
            prepared_statements: true,
            auto_migrate: None,
        }
    }
}

impl DatabaseConfig {
    /// Whether `serve` migrates this kind of database by itself.
    #[must_use]
    pub fn migrates_itself(&self, backend: Backend) -> bool {
        self.auto_migrate.unwrap_or(backend == Backend::Sqlite)
    }

    /// What is wrong with the files that the database URL names. The server creates the folder `created` and no other one. Nothing is
    /// opened.
    #[must_use]
    pub fn validate_files(&self, created: &Path) -> Option<Complaint> {
        let refused = fitness::of_files(self.url.expose_secret(), created).err();
        refused.map(|why| Complaint::new("url", why.to_string()))
    }
}

impl Section for DatabaseConfig {
    const NAME: &'static str = "database";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        if let Err(unfit) = fitness::of_address(self.url.expose_secret()) {
            complaints.add("url", unfit.to_string());
        }
        complaints.unless(
            (1..=1024).contains(&self.pool_size),
            "pool_size",
            "must be 1 to 1024",
        );
        complaints.unless(
            (1..=1_000_000).contains(&self.queue),
            "queue",
            "must be 1 to 1000000",
        );
        let (shortest, longest) = (Duration::from_millis(10), Duration::from_secs(60));
        complaints.within("acquire_timeout", self.acquire_timeout, shortest, longest);
        complaints.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_names_only_what_it_changes() {
        let config: DatabaseConfig =
            serde_json::from_str(r#"{"url": "postgres://db/keyward", "acquire_timeout": "750ms"}"#).unwrap();
        assert_eq!(config.url.expose_secret(), "postgres://db/keyward");
        assert_eq!(config.acquire_timeout, Duration::from_millis(750));
        assert_eq!(
            (config.pool_size, config.prepared_statements, config.auto_migrate),
            (8, true, None)
        );
        assert!(!config.migrates_itself(Backend::Postgres));
        assert!(config.migrates_itself(Backend::Sqlite));
        assert!(
            !DatabaseConfig {
                auto_migrate: Some(false),
                ..config
            }
            .migrates_itself(Backend::Sqlite)
        );
    }

    #[test]
    fn an_unknown_key_or_a_bare_number_of_seconds_is_refused() {
        assert!(serde_json::from_str::<DatabaseConfig>(r#"{"pool": 3}"#).is_err());
        assert!(serde_json::from_str::<DatabaseConfig>(r#"{"acquire_timeout": "5"}"#).is_err());
    }

    #[test]
    fn the_url_is_never_shown() {
        let config = DatabaseConfig {
            url: "postgres://u:hunter2@db/x".into(),
            ..DatabaseConfig::default()
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
