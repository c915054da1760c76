mod layers;
mod refusals;

use super::*;
use auth_domain::role::RoleBook;
use serde::{
    Deserializer,
    de::{Error as _, Visitor, value::Error},
};
use std::{collections::BTreeSet, io::Write, time::Duration};

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

fn problems(sources: &Sources) -> Vec<Problem> {
    Config::load(sources)
        .err()
        .map_or_else(Vec::new, |errors| errors.0)
}

fn problem(variables: &[(&str, &str)]) -> Problem {
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
fn the_built_in_defaults_are_right_and_those_of_the_promise() {
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
    assert_eq!(
        config.service.password.params(),
        auth_domain::password_hash::Argon2Params::default()
    );
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

/// Answers a struct's field names instead of its value.
struct FieldNames;

impl<'de> Deserializer<'de> for FieldNames {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(Error::custom(fields.join(" ")))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<T: DeserializeOwned>(section: &str) -> BTreeSet<String> {
    let names = T::deserialize(FieldNames).err().unwrap().to_string();
    names.split(' ').map(|name| format!("{section}.{name}")).collect()
}

#[test]
fn the_file_of_defaults_has_every_key_that_the_code_has_and_no_other() {
    use auth_service::{
        AuditConfig, OauthConfig, PasswordConfig, RegistrationConfig, RotationConfig, SessionConfig,
        TokensConfig,
    };
    let of_code = [
        fields::<ServerConfig>("server"),
        fields::<PagesConfig>("pages"),
        fields::<DataConfig>("data"),
        fields::<DatabaseConfig>("database"),
        fields::<StartConfig>("database"),
        fields::<RedisConfig>("redis"),
        fields::<BlacklistConfig>("blacklist"),
        fields::<TokensConfig>("tokens"),
        fields::<SessionConfig>("session"),
        fields::<RotationConfig>("rotation"),
        fields::<PasswordConfig>("password"),
        fields::<RegistrationConfig>("registration"),
        fields::<OauthConfig>("oauth"),
        fields::<LimitsConfig>("limits"),
        fields::<MailConfig>("mail"),
        fields::<AuditConfig>("audit"),
        fields::<NameConfig>("service"),
        fields::<LogConfig>("log"),
    ];
    let of_code: BTreeSet<String> = of_code.into_iter().flatten().collect();
    let of_file: BTreeSet<String> = Document::defaults()
        .unwrap()
        .iter()
        .map(|(key, _)| key.to_owned())
        .collect();
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
fn the_example_for_production_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/production.toml");
    let sources = Sources {
        file: Some(path.into()),
        ..Sources::default()
    };
    assert_eq!(problems(&sources), []);
}
