//! The configuration. The rule: every key, its default and its purpose are in `config/default.toml` and nowhere else.
//!
//! A later layer wins: `default.toml` < one file < the older services' variables < `DATABASE_URL`, `REDIS_URL`,
//! `RUST_LOG` < `KEYWARD__SECTION__KEY` < options of the command line. A key that does not exist stops the start.

mod derived;
pub mod document;
mod environment;
mod keys;
mod layers;
pub mod log;
mod mask;
mod notices;
mod own_sections;
mod problem;
mod reader;
mod roles;
mod serving;
mod show;
#[cfg(test)]
mod tests;
mod use_cases;

pub use auth_domain::connection_url::shown as url_without_password;
pub use layers::{Sources, USUAL_FILE};
pub use log::{LogConfig, LogFormat};
pub use own_sections::{DataConfig, NameConfig, RedisConfig, StartConfig};
pub use problem::{ConfigErrors, ConfigProblem, Origin};
pub use show::{ShownKey, as_toml};

use auth_api::{PagesConfig, ServerConfig};
use auth_blacklist::BlacklistConfig;
use auth_limits::LimitsConfig;
use auth_mail::MailConfig;
use auth_service::{MasterKey, ServiceConfig};
use auth_storage::DatabaseConfig;
use derived::{derive, link_base, with_defaults};
use document::Document;
use reader::Reader;
use secrecy::ExposeSecret;
use serving::Purpose;
use std::net::SocketAddr;
use toml::Value;

/// The variable that holds the master key.
pub const MASTER_KEY: &str = "KEYWARD_MASTER_KEY";

/// The variable that holds the new master key for `keyward keys reseal`.
pub const NEW_MASTER_KEY: &str = "KEYWARD_NEW_MASTER_KEY";

/// The key of the URL that clients use.
const PUBLIC_URL: &str = "server.public_url";

/// Everything that an operator can set, parsed and validated.
#[derive(Clone)]
pub struct Config {
    /// `[server]`.
    pub server: ServerConfig,
    /// `[pages]`.
    pub pages: PagesConfig,
    /// `[data]`.
    pub data: DataConfig,
    /// `[database]`, with its URL filled in.
    pub database: DatabaseConfig,
    /// The rest of `[database]`.
    pub start: StartConfig,
    /// `[redis]`.
    pub redis: RedisConfig,
    /// `[blacklist]`.
    pub blacklist: BlacklistConfig,
    /// `[limits]`.
    pub limits: LimitsConfig,
    /// `[mail]`, with its folder and its name in EHLO filled in.
    pub mail: MailConfig,
    /// `[tokens]`, `[session]`, `[rotation]`, `[password]`, `[registration]`, `[oauth]`, `[audit]`, `[roles]`, `[service]`.
    pub service: ServiceConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// The master key, if the environment has it.
    pub master_key: Option<MasterKey>,
    /// Warnings.
    pub notices: Vec<String>,
    document: Document,
}

impl Config {
    /// Reads the layers and validates every value, for a command.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::read(sources, Purpose::Command)
    }

    /// Reads the layers and validates every value. It also checks what else a server needs: the master key, and the files that the keys
    /// name. It opens no connection and writes nothing.
    ///
    /// # Errors
    /// Everything that is wrong or missing.
    pub fn load_to_serve(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::read(sources, Purpose::Serve)
    }

    fn read(sources: &Sources, purpose: Purpose) -> Result<Self, ConfigErrors> {
        let (mut document, problems) = sources.document()?;
        derive(&mut document)?;
        let mut reader = Reader::new(&document, problems);
        let server: ServerConfig = reader.section()?;
        let pages: PagesConfig = reader.section()?;
        reader.complain::<PagesConfig>(pages.validate_beside(&server));
        let mail: MailConfig = reader.section()?;
        let mut config = Self {
            data: reader.section()?,
            database: reader.section()?,
            start: reader.section()?,
            redis: reader.section()?,
            blacklist: reader.section()?,
            limits: reader.section()?,
            service: use_cases::read(&mut reader, &server, &pages, &mail)?,
            log: reader.section()?,
            master_key: master_key(sources, &mut reader),
            notices: Vec::new(),
            server,
            pages,
            mail,
            document: reader.document().clone(),
        };
        let mut problems = reader.into_problems();
        if purpose == Purpose::Serve {
            problems.extend(serving::missing(&config, &problems));
        }
        if !problems.is_empty() {
            return Err(ConfigErrors(problems));
        }
        config.mail = with_defaults(config.mail, &config.data, &config.server);
        config.notices = notices::of(sources, &config);
        Ok(config)
    }

    /// Every key, with secrets masked.
    #[must_use]
    pub fn shown(&self) -> Vec<ShownKey> {
        show::shown_keys(&self.document)
    }

    /// Where a key's value came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.document.origin(key)
    }

    /// Whether `server.public_url` follows `server.bind` because it is not set.
    #[must_use]
    pub fn follows_bind(&self) -> bool {
        self.document.follows_bind()
    }

    /// The configuration of a server that listens on `address`. If the public URL follows it, so do the issuer and the base of links.
    ///
    /// # Errors
    /// Validation has refused them before.
    pub fn listening_on(mut self, address: SocketAddr) -> Result<Self, ConfigErrors> {
        if self.follows_bind() {
            self.server.public_url = ServerConfig::origin_of(address);
            self.document.set(
                PUBLIC_URL,
                Value::String(self.server.public_url.clone()),
                Origin::Derived("server.bind".to_owned()),
            )?;
            self.service.issuer.clone_from(&self.server.public_url);
            self.service.link_base = link_base(&self.server, &self.pages, &self.mail);
        }
        Ok(self)
    }

    /// Whether the database is the embedded one.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        is_sqlite(&self.database)
    }

    /// The URL of the database, without its password.
    #[must_use]
    pub fn shown_database(&self) -> String {
        url_without_password(self.database.url.expose_secret())
    }
}

/// The master key of the environment, if it has a valid one.
fn master_key(sources: &Sources, reader: &mut Reader<'_>) -> Option<MasterKey> {
    let read = MasterKey::from_base64(sources.variable(MASTER_KEY)?);
    read.map_err(|error| reader.push(ConfigProblem::about(MASTER_KEY, error.to_string(), "")))
        .ok()
}

fn is_sqlite(database: &DatabaseConfig) -> bool {
    database.url.expose_secret().starts_with("sqlite:")
}
