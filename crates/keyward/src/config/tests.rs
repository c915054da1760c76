use super::{document::environment_name, *};
use serde::{
    Deserializer,
    de::{Error as _, Visitor, value::Error},
};
use std::{collections::BTreeSet, io::Write};

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
        OauthConfig, PasswordConfig, RegistrationConfig, RotationConfig, SessionConfig, TokensConfig,
    };
    let of_code = [
        fields::<ServerConfig>("server"),
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

#[test]
fn an_unknown_key_stops_the_start_with_the_nearest_name() {
    let unknown = problem(&[("KEYWARD__TOKENS__ACESS_TTL", "1h")]);
    assert_eq!(unknown.key, "tokens.acess_ttl");
    assert_eq!(
        unknown.mend,
        "did you mean tokens.access_ttl (KEYWARD__TOKENS__ACCESS_TTL)?"
    );
    let misplaced = problem(&[("KEYWARD__SERVER__MAX_PER_USER", "3")]);
    assert!(
        misplaced.mend.starts_with("did you mean session.max_per_user"),
        "{misplaced}"
    );

    let (file, sources) = file("[server]\nbind = \"127.0.0.1:0\"\n\n[databse]\nurl = \"sqlite://x.db\"\n");
    let all = problems(&sources);
    assert_eq!(all[0].key, "databse.url");
    assert_eq!(
        all[0].origin,
        Some(Origin::File {
            path: file.path().to_owned(),
            line: 5
        })
    );
    assert_eq!(all[0].mend, "did you mean database.url?");
}

#[test]
fn every_problem_is_told_at_once_with_its_origin() {
    let all = problems(&environment(&[
        ("KEYWARD__TOKENS__ACCESS_TTL", "soon"),
        ("KEYWARD__SESSION__MAX_PER_USER", "0"),
        ("KEYWARD__PASSWORD__ITERATIONS", "-1"),
        ("KEYWARD__SERVER__BASE_PATH", "auth/"),
        ("KEYWARD__DATABASE__POOL_SIZE", "0"),
        ("KEYWARD__LOG__LEVEL", "[["),
        ("KEYWARD_MASTER_KEY", "c2hvcnQ="),
    ]));
    let keys: Vec<&str> = all.iter().map(|problem| problem.key.as_str()).collect();
    let expected = [
        "server.base_path",
        "database.pool_size",
        "tokens.access_ttl",
        "session.max_per_user",
        "password.iterations",
        "log.level",
        "KEYWARD_MASTER_KEY",
    ];
    assert_eq!(keys, expected);
    assert!(
        all[2]
            .to_string()
            .starts_with("tokens.access_ttl (environment KEYWARD__TOKENS__ACCESS_TTL): ")
    );
    assert!(
        all[2].to_string().ends_with("mend: the default is \"1h\""),
        "{}",
        all[2]
    );
    assert!(!format!("{all:?}").contains("c2hvcnQ="));
}

#[test]
fn zero_negative_and_absurd_values_are_refused_by_key() {
    let refused = [
        ("tokens.access_ttl", "0s"),
        ("tokens.refresh_ttl", "1000000d"),
        ("tokens.leeway", "1h"),
        ("session.max_lifetime", "0s"),
        ("session.max_per_user", "-5"),
        ("password.memory_kib", "0"),
        ("password.memory_kib", "999999999"),
        ("password.min_length", "1"),
        ("password.queue", "0"),
        ("blacklist.read_interval", "0s"),
        ("blacklist.look_back", "1s"),
        ("database.pool_size", "100000"),
        ("database.acquire_timeout", "0s"),
        ("database.wait", "30d"),
        ("server.max_connections", "0"),
        ("server.shutdown_timeout", "0s"),
        ("rotation.reuse_leeway", "1d"),
        ("tokens.algorithm", "none"),
        ("rotation.on_concurrent", "shrug"),
        ("service.name", " "),
        ("redis.url", "http://cache"),
        ("database.url", "mysql://db"),
    ];
    for (key, value) in refused {
        let told = problem(&[(&environment_name(key), value)]);
        assert_eq!(told.key, key, "{told}");
    }
}

#[test]
fn the_later_layer_wins_and_the_origin_is_kept() {
    let (file, mut sources) = file("[tokens]\naccess_ttl = \"2h\"\nrefresh_ttl = \"2d\"\nleeway = \"2s\"\n");
    let older = [
        ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "15"),
        ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "7"),
    ];
    sources
        .environment
        .extend(older.map(|(name, value)| (name.to_owned(), value.to_owned())));
    sources
        .environment
        .insert("KEYWARD__TOKENS__ACCESS_TTL".to_owned(), "90s".to_owned());
    sources
        .options
        .push(("--bind", "server.bind", "127.0.0.1:0".to_owned()));
    sources
        .environment
        .insert("KEYWARD__SERVER__BIND".to_owned(), "127.0.0.1:1".to_owned());
    let config = Config::load(&sources).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.service.tokens.access_ttl, Duration::from_secs(90));
    assert_eq!(config.service.tokens.refresh_ttl, Duration::from_secs(7 * 86_400));
    assert_eq!(config.service.tokens.leeway, Duration::from_secs(2));
    assert_eq!(config.server.bind, "127.0.0.1:0");
    assert_eq!(
        config.origin("tokens.access_ttl").to_string(),
        "environment KEYWARD__TOKENS__ACCESS_TTL"
    );
    assert_eq!(
        config.origin("tokens.refresh_ttl").to_string(),
        "environment JWT_REFRESH_TOKEN_EXPIRE_DAYS"
    );
    assert_eq!(
        config.origin("tokens.leeway").to_string(),
        format!("{} line 4", file.path().display())
    );
    assert_eq!(config.origin("server.bind").to_string(), "option --bind");
    assert_eq!(config.origin("tokens.algorithm"), Origin::Default);
    assert_eq!(config.origin("database.url").to_string(), "from data.dir");
}

#[test]
fn a_text_of_the_environment_is_read_as_what_the_key_holds() {
    let config = load(&[
        ("KEYWARD__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8"),
        (
            "KEYWARD__SERVER__CORS_ORIGINS",
            "[\"https://a.example\", \"https://b.example\"]",
        ),
        ("KEYWARD__SERVER__DOCS", "false"),
        ("KEYWARD__DATABASE__AUTO_MIGRATE", "true"),
        ("KEYWARD__DATABASE__WAIT", "30s"),
        ("KEYWARD__SERVER__ADMIN_BIND", "127.0.0.1:9100"),
        ("KEYWARD__SERVER__BASE_PATH", ""),
        ("KEYWARD__PASSWORD__MEMORY_KIB", "64"),
        ("KEYWARD__LOG__FORMAT", "json"),
        ("DATABASE_URL", "postgres://kw:pw@db/kw"),
    ]);
    assert_eq!(
        (
            config.server.trusted_proxies.len(),
            config.server.cors_origins.len()
        ),
        (2, 2)
    );
    assert_eq!(
        (config.server.docs, config.database.auto_migrate),
        (false, Some(true))
    );
    assert_eq!(config.start.wait, Duration::from_secs(30));
    assert_eq!(config.server.admin_bind.as_deref(), Some("127.0.0.1:9100"));
    assert_eq!(
        (
            config.server.base_path.as_str(),
            config.service.password.memory_kib
        ),
        ("", 64)
    );
    assert!(!config.is_embedded());
}

#[test]
fn an_empty_variable_of_another_program_is_as_good_as_none() {
    let config = load(&[
        ("DATABASE_URL", ""),
        ("REDIS_URL", " "),
        ("JWT_SECRET", ""),
        (MASTER_KEY, ""),
    ]);
    assert!(config.is_embedded() && config.redis.url.is_none() && config.master_key.is_none());
}

#[test]
fn the_older_services_names_are_read() {
    let secret = "an old shared secret of the services, long enough";
    let old = load(&[("JWT_SECRET", secret), ("KEYWARD__TOKENS__ALGORITHM", "HS256")]);
    assert_eq!(old.service.tokens.secret.expose_secret(), secret);
    let newer = "a newer shared secret of the services, long enough";
    let both = load(&[
        ("JWT_SECRET", secret),
        ("KEYWARD__TOKENS__SECRET", newer),
        ("KEYWARD__TOKENS__ALGORITHM", "HS256"),
    ]);
    assert_eq!(both.service.tokens.secret.expose_secret(), newer);
    let unused = load(&[("JWT_SECRET", "short")]);
    assert_eq!(unused.service.tokens.secret.expose_secret(), "");
    assert!(unused.notices[0].starts_with("JWT_SECRET is set and not used"));
    let short = problem(&[("JWT_SECRET", "short"), ("KEYWARD__TOKENS__ALGORITHM", "HS256")]);
    assert_eq!(
        (short.key.as_str(), short.origin.unwrap().to_string().as_str()),
        ("tokens.secret", "environment JWT_SECRET")
    );

    let postgres = ("DATABASE_URL", "postgres://db/kw");
    let redis = load(&[
        postgres,
        ("REDIS_HOST", "cache"),
        ("REDIS_PORT", "6380"),
        ("REDIS_DB", "2"),
    ]);
    assert_eq!(redis.redis.url.unwrap().expose_secret(), "redis://cache:6380/2");
    let kubernetes = load(&[("REDIS_PORT", "tcp://10.0.0.1:6379")]);
    assert!(kubernetes.redis.url.is_none());
    let newer = load(&[
        postgres,
        ("REDIS_HOST", "cache"),
        ("REDIS_URL", "redis://other:1/0"),
    ]);
    assert_eq!(newer.redis.url.unwrap().expose_secret(), "redis://other:1/0");
    assert_eq!(
        problem(&[("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "soon")]).key,
        "tokens.access_ttl"
    );
}

#[test]
fn nothing_that_is_shown_holds_a_secret() {
    let config = load(&[
        ("DATABASE_URL", "postgres://kw:hunter2@db/kw"),
        ("REDIS_URL", "redis://:hunter2@cache:6379"),
        ("KEYWARD__TOKENS__ALGORITHM", "HS256"),
        (
            "KEYWARD__TOKENS__SECRET",
            "hunter2 hunter2 hunter2 hunter2 hunter2",
        ),
        (MASTER_KEY, "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ="),
    ]);
    let shown = config.shown();
    let text = format!(
        "{}{}{}",
        as_toml(&shown),
        serde_json::to_string(&shown).unwrap(),
        config.shown_database()
    );
    assert!(!text.contains("hunter2") && !text.contains("aHVudG"), "{text}");
    assert!(text.contains("url = \"postgres://kw:********@db/kw\""));
    let parsed: toml::Table = as_toml(&shown).parse().unwrap();
    assert_eq!(parsed["tokens"]["access_ttl"].as_str(), Some("1h"));
}

#[test]
fn a_refused_secret_is_not_repeated() {
    let (_file, sources) = file("[tokens]\nsecret = 123454321\n\n[database]\nurl = [\"hunter2\"]\n");
    let all = problems(&sources);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(!format!("{all:?}").contains("123454321") && !format!("{all:?}").contains("hunter2"));
}

#[test]
fn a_file_that_can_not_be_read_is_named_with_its_line() {
    let (file, sources) = file("[server]\nbind = \"hunter2\n");
    let all = problems(&sources);
    assert_eq!(all[0].key, format!("{} line 2", file.path().display()));
    assert!(
        all[0].what.starts_with("not valid TOML") && !all[0].what.contains("hunter2"),
        "{}",
        all[0]
    );
    let missing = Sources {
        file: Some("no/such/file.toml".into()),
        ..Sources::default()
    };
    assert!(
        problems(&missing)[0]
            .to_string()
            .contains("no/such/file.toml: can't be read")
    );
    let unusual = Sources {
        usual_file: Some("no/such/file.toml".into()),
        ..Sources::default()
    };
    assert_eq!(problems(&unusual), []);
}
