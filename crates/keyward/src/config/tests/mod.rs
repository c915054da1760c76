mod layers;
mod refusals;

use super::{keys::keys_of, *};
use auth_domain::{password::PasswordPolicy, password_hash::Argon2Params, role::RoleBook, settings::Section};
use std::{io::Write, time::Duration};

fn environment(variables: &[(&str, &str)]) -> Sources {
    let pairs = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Sources {
        environment: pairs.collect(),
        ..Sources::default()
    }
}

fn load(variables: &[(&str, &str)]) -> Config {
    Config::load(&environment(variables)).unwrap_or_else(|errors| panic!("{errors}"))
}

fn problems(sources: &Sources) -> Vec<ConfigProblem> {
    Config::load(sources)
        .err()
        .map_or_else(Vec::new, |errors| errors.0)
}

fn problem(variables: &[(&str, &str)]) -> ConfigProblem {
    let mut all = problems(&environment(variables));
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn file(text: &str) -> (tempfile::NamedTempFile, Sources) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let sources = Sources {
        file: Some(file.path().to_owned()),
        ..Sources::default()
    };
    (file, sources)
}

#[test]
fn the_built_in_defaults_are_valid_and_are_those_of_the_code() {
    let config = load(&[]);
    assert_eq!(config.server, ServerConfig::default());
    assert_eq!(config.blacklist, BlacklistConfig::default());
    assert_eq!(config.limits, LimitsConfig::default());
    let mail = MailConfig {
        folder: Some("data/mail".into()),
        smtp_ehlo_name: Some("[127.0.0.1]".to_owned()),
        ..MailConfig::default()
    };
    assert_eq!(format!("{:?}", config.mail), format!("{mail:?}"));
    assert_eq!(config.service.roles, RoleBook::default());
    assert_eq!(config.service.tokens.access_ttl, Duration::from_secs(3600));
    assert_eq!(
        config.service.tokens.refresh_ttl,
        Duration::from_secs(30 * 86_400)
    );
    assert_eq!(config.service.argon2, Argon2Params::default());
    assert_eq!(config.service.password, PasswordPolicy::default());
    assert_eq!(config.database.url.expose_secret(), "sqlite://data/keyward.db");
    assert_eq!(
        (
            config.database.auto_migrate,
            config.redis.url.is_none(),
            config.log.format
        ),
        (None, true, None)
    );
    assert_eq!(config.server.admin_bind, None);
    assert!(config.notices.is_empty() && config.master_key.is_none());
}

fn keys<T: Section>() -> Vec<String> {
    let keys = keys_of::<T>().iter();
    keys.map(|key| format!("{}.{key}", T::NAME)).collect()
}

#[test]
fn the_file_of_defaults_has_every_key_that_the_code_has_and_no_other_and_each_belongs_to_one_part() {
    use auth_service::{
        AuditConfig, HashingConfig, OauthConfig, RegistrationConfig, RotationConfig, SessionConfig,
        TokensConfig,
    };
    let of_code = [
        keys::<ServerConfig>(),
        keys::<PagesConfig>(),
        keys::<DataConfig>(),
        keys::<DatabaseConfig>(),
        keys::<StartConfig>(),
        keys::<RedisConfig>(),
        keys::<BlacklistConfig>(),
        keys::<TokensConfig>(),
        keys::<SessionConfig>(),
        keys::<RotationConfig>(),
        keys::<PasswordPolicy>(),
        keys::<Argon2Params>(),
        keys::<HashingConfig>(),
        keys::<RegistrationConfig>(),
        keys::<OauthConfig>(),
        keys::<LimitsConfig>(),
        keys::<MailConfig>(),
        keys::<AuditConfig>(),
        keys::<NameConfig>(),
        keys::<LogConfig>(),
    ];
    let mut of_code: Vec<String> = of_code.into_iter().flatten().collect();
    of_code.sort();
    let defaults = Document::defaults().unwrap();
    let of_file: Vec<&str> = defaults.iter().map(|(key, _)| key).collect();
    assert_eq!(of_file, of_code);
}

#[test]
fn every_key_of_the_file_of_defaults_has_a_comment() {
    let mut before = "";
    for line in document::DEFAULT_TOML.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(before.starts_with("# "), "{line}");
        }
        before = line;
    }
}

#[test]
fn the_example_for_production_is_valid() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/production.toml");
    let sources = Sources {
        file: Some(path.into()),
        ..Sources::default()
    };
    assert_eq!(problems(&sources), []);
}
