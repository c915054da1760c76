//! The configuration: every key, its default and what it is for stands in `config/default.toml` and nowhere else.
//!
//! Layers, the later one winning: `default.toml` < one file < the older services' variables < `DATABASE_URL`, `REDIS_URL`,
//! `RUST_LOG` < `KEYWARD__SECTION__KEY` < options of the command line. A key that does not exist stops the start.

pub mod document;
mod environment;
mod layers;
mod mask;
mod notices;
mod own_sections;
mod problem;
mod roles;
mod section;
mod serving;
mod show;
#[cfg(test)]
mod tests;

pub use auth_domain::connection_url::shown as url_without_password;
pub use layers::{Sources, USUAL_FILE};
pub use own_sections::{DataConfig, NameConfig, RedisConfig, StartConfig};
pub use problem::{ConfigErrors, Origin, Problem};
pub use show::{ShownKey, as_toml};

use crate::logging::LogConfig;
use auth_api::{PagesConfig, ServerConfig};
use auth_blacklist::BlacklistConfig;
use auth_limits::LimitsConfig;
use auth_mail::{MailConfig, ehlo_name_of};
use auth_service::{MasterKey, ServiceConfig};
use auth_storage::DatabaseConfig;
use document::Document;
use own_sections::START_KEYS;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serving::{Needs, Purpose};
use std::net::SocketAddr;
use toml::Value;

/// The variable that holds the master key.
pub const MASTER_KEY: &str = "KEYWARD_MASTER_KEY";

/// The variable that holds the key to reseal with.
pub const NEW_MASTER_KEY: &str = "KEYWARD_NEW_MASTER_KEY";

/// The key of the address that clients use.
const PUBLIC_URL: &str = "server.public_url";

/// Everything an operator may set, read and found right.
#[derive(Clone)]
pub struct Config {
    /// `[server]`.
    pub server: ServerConfig,
    /// `[pages]`.
    pub pages: PagesConfig,
    /// `[data]`.
    pub data: DataConfig,
    /// `[database]`, its address worked out.
    pub database: DatabaseConfig,
    /// What else `[database]` has.
    pub start: StartConfig,
    /// `[redis]`.
    pub redis: RedisConfig,
    /// `[blacklist]`.
    pub blacklist: BlacklistConfig,
    /// `[limits]`.
    pub limits: LimitsConfig,
    /// `[mail]`, its folder and its name in EHLO worked out.
    pub mail: MailConfig,
    /// `[tokens]`, `[session]`, `[rotation]`, `[password]`, `[registration]`, `[oauth]`, `[audit]`, `[roles]`, `[service]`.
    pub service: ServiceConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// The master key, if the environment has it.
    pub master_key: Option<MasterKey>,
    /// What is not wrong and yet worth a word.
    pub notices: Vec<String>,
    document: Document,
}

/// Works out what was left to be worked out: the embedded database's place, and the address that clients use.
fn derive(document: &mut Document) -> Result<(), Problem> {
    let unset = |document: &Document, key| document.get(key).is_some_and(document::Entry::is_unset);
    let text = |document: &Document, key| {
        let value = document.get(key).and_then(|entry| entry.value.as_str());
        value.unwrap_or_default().to_owned()
    };
    if unset(document, "database.url") {
        let dir = text(document, "data.dir");
        let url = format!("sqlite://{}/keyward.db", dir.trim_end_matches('/'));
        document.set(
            "database.url",
            Value::String(url),
            Origin::Derived("data.dir".to_owned()),
        )?;
    }
    // An address that can't be listened on is named with its own key.
    if unset(document, PUBLIC_URL)
        && let Some(url) = ServerConfig::own_origin(&text(document, "server.bind"))
    {
        document.set(
            PUBLIC_URL,
            Value::String(url),
            Origin::Derived("server.bind".to_owned()),
        )?;
    }
    Ok(())
}

/// Gathers sections and what is wrong with them.
struct Reader<'a> {
    document: &'a Document,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn section<T: DeserializeOwned>(&mut self, name: &str, elsewhere: &[&str]) -> Option<T> {
        let (section, problems) = section::read(self.document, name, elsewhere);
        self.problems.extend(problems);
        section
    }

    fn checked<T: DeserializeOwned, K: AsRef<str>>(
        &mut self,
        name: &str,
        elsewhere: &[&str],
        validate: impl FnOnce(&T) -> Vec<(K, String)>,
    ) -> Option<T> {
        let section = self.section(name, elsewhere)?;
        let before = self.problems.len();
        for (key, what) in validate(&section) {
            let key = key.as_ref();
            let dotted = if key.contains('.') {
                key.to_owned()
            } else {
                format!("{name}.{key}")
            };
            // The default stands in for a value that does not fit, and that has been said.
            if self
                .problems
                .iter()
                .take(before)
                .any(|problem| problem.key == dotted)
            {
                continue;
            }
            let mend = match self.document.get(&dotted) {
                Some(entry) if !entry.has_no_default() => format!("the default is {}", entry.default),
                _ => String::new(),
            };
            self.problems
                .push(Problem::new(&dotted, &self.document.origin(&dotted), what, mend));
        }
        Some(section)
    }
}

impl Config {
    /// Reads the layers and checks every value, for a command beside the server.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::read(sources, Purpose::Command)
    }

    /// Reads the layers and checks every value and what a server needs beside: the master key and the files that the keys name.
    /// Nothing is connected to, and nothing is written.
    ///
    /// # Errors
    /// Everything that is wrong or missing, at once.
    pub fn load_to_serve(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::read(sources, Purpose::Serve)
    }

    fn read(sources: &Sources, purpose: Purpose) -> Result<Self, ConfigErrors> {
        let (mut document, problems) = sources.document()?;
        derive(&mut document)?;
        let mut reader = Reader {
            document: &document,
            problems,
        };
        let server = reader.checked("server", &[], ServerConfig::validate);
        let pages = reader.checked("pages", &[], |pages: &PagesConfig| {
            let beside = server.as_ref().map(|server| pages.validate_beside(server));
            pages
                .validate()
                .into_iter()
                .chain(beside.unwrap_or_default())
                .collect()
        });
        let data = reader.checked("data", &[], DataConfig::validate);
        let database = reader.checked("database", &START_KEYS, DatabaseConfig::validate);
        let own: Vec<&str> = document.entries_of("database").map(|(key, _)| key).collect();
        let others: Vec<&str> = own.into_iter().filter(|key| !START_KEYS.contains(key)).collect();
        let start = reader.checked("database", &others, StartConfig::validate);
        let redis = reader.checked("redis", &[], RedisConfig::validate);
        let limits = reader.checked("limits", &[], LimitsConfig::validate);
        let mail = reader.checked("mail", &[], MailConfig::validate);
        let blacklist = reader.checked("blacklist", &[], BlacklistConfig::validate);
        let service = read_service(&mut reader, server.as_ref(), pages.as_ref(), mail.as_ref());
        let log = reader.checked("log", &[], LogConfig::validate);
        let master_key = sources
            .variable(MASTER_KEY)
            .map(MasterKey::from_base64)
            .transpose();
        let mut problems = reader.problems;
        if let Err(error) = &master_key {
            problems.push(Problem::about(MASTER_KEY, error.to_string(), ""));
        }
        if purpose == Purpose::Serve {
            let needs = Needs {
                server: server.as_ref(),
                pages: pages.as_ref(),
                mail: mail.as_ref(),
                data: data.as_ref(),
                database: database.as_ref(),
                master_key: master_key.as_ref().map(Option::as_ref).ok(),
            };
            // A value that is wrong by itself has been named.
            let known: Vec<String> = problems.iter().map(|problem| problem.key.clone()).collect();
            let mut missing = needs.problems(&document);
            missing.retain(|problem| !known.contains(&problem.key));
            problems.extend(missing);
        }
        match (
            server, pages, data, database, start, redis, blacklist, limits, mail, service, log, master_key,
        ) {
            (
                Some(server),
                Some(pages),
                Some(data),
                Some(database),
                Some(start),
                Some(redis),
                Some(blacklist),
                Some(limits),
                Some(mail),
                Some(service),
                Some(log),
                Ok(master_key),
            ) if problems.is_empty() => {
                let mail = settled(mail, &data, &server);
                let mut config = Self {
                    server,
                    pages,
                    data,
                    database,
                    start,
                    redis,
                    blacklist,
                    limits,
                    mail,
                    service,
                    log,
                    master_key,
                    notices: Vec::new(),
                    document,
                };
                config.notices = notices::of(sources, &config);
                Ok(config)
            }
            _ => Err(ConfigErrors(problems)),
        }
    }

    /// Every key as it may be shown.
    #[must_use]
    pub fn shown(&self) -> Vec<ShownKey> {
        show::shown_keys(&self.document)
    }

    /// Where a key's value came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.document.origin(key)
    }

    /// Whether the address that clients use was left to follow the one that is listened on.
    #[must_use]
    pub fn follows_bind(&self) -> bool {
        matches!(self.origin(PUBLIC_URL), Origin::Derived(_))
    }

    /// The configuration once the server has its address. What follows it is set: the issuer of tokens, and what links start with.
    ///
    /// # Errors
    /// None that validation has not refused before.
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

    /// The database's address without its password.
    #[must_use]
    pub fn shown_database(&self) -> String {
        url_without_password(self.database.url.expose_secret())
    }
}

fn is_sqlite(database: &DatabaseConfig) -> bool {
    database.url.expose_secret().starts_with("sqlite:")
}

/// The sections of the use cases, and the issuer from the server's.
fn read_service(
    reader: &mut Reader<'_>,
    server: Option<&ServerConfig>,
    pages: Option<&PagesConfig>,
    mail: Option<&MailConfig>,
) -> Option<ServiceConfig> {
    use auth_service::{
        AuditConfig, OauthConfig, PasswordConfig, RegistrationConfig, RotationConfig, SessionConfig,
        TokensConfig,
    };
    let tokens = reader.checked("tokens", &[], TokensConfig::validate);
    let session = reader.checked("session", &[], SessionConfig::validate);
    let rotation = reader.checked("rotation", &[], RotationConfig::validate);
    let password = reader.checked("password", &[], PasswordConfig::validate);
    let registration = reader.section::<RegistrationConfig>("registration", &[]);
    let oauth = reader.section::<OauthConfig>("oauth", &[]);
    let audit = reader.checked("audit", &[], AuditConfig::validate);
    let roles = roles::read(reader);
    let name = reader.checked("service", &[], NameConfig::validate);
    let follows_bind = matches!(reader.document.origin(PUBLIC_URL), Origin::Derived(_));
    Some(ServiceConfig {
        issuer: server?.public_url.clone(),
        issuer_follows_bind: follows_bind,
        audit: audit?,
        roles: roles?,
        link_base: link_base(server?, pages?, mail?),
        print_links: mail?.print_links,
        service_name: name?.name,
        tokens: tokens?,
        session: session?,
        rotation: rotation?,
        password: password?,
        registration: registration?,
        oauth: oauth?,
    })
}

/// What links in mails start with: the pages, where nothing else is said.
fn link_base(server: &ServerConfig, pages: &PagesConfig, mail: &MailConfig) -> String {
    let own_pages = || format!("{}{}", server.public_url, pages.path);
    let base = mail.link_base.clone().unwrap_or_else(own_pages);
    base.trim_end_matches('/').to_owned()
}

/// Mail as files goes to the data folder, and EHLO names the host of the public address, unless the section says otherwise.
fn settled(mail: MailConfig, data: &DataConfig, server: &ServerConfig) -> MailConfig {
    let folder = mail.folder.unwrap_or_else(|| data.dir.join("mail"));
    let ehlo_name = mail
        .smtp_ehlo_name
        .unwrap_or_else(|| ehlo_name_of(&server.public_url));
    MailConfig {
        folder: Some(folder),
        smtp_ehlo_name: Some(ehlo_name),
        ..mail
    }
}
