use super::*;
use crate::config::document::environment_name;

#[test]
fn an_unknown_key_stops_the_start_with_the_nearest_name() {
    let unknown = problem(&[("KEYWARD__TOKENS__ACESS_TTL", "1h")]);
    assert_eq!(unknown.key, "tokens.acess_ttl");
    assert_eq!(
        unknown.fix,
        "did you mean tokens.access_ttl (KEYWARD__TOKENS__ACCESS_TTL)?"
    );
    let misplaced = problem(&[("KEYWARD__SERVER__MAX_PER_USER", "3")]);
    assert!(
        misplaced.fix.starts_with("did you mean session.max_per_user"),
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
    assert_eq!(all[0].fix, "did you mean database.url?");
}

#[test]
fn all_problems_are_reported_together_with_their_origin() {
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
        all[2].to_string().ends_with("fix: the default is \"1h\""),
        "{}",
        all[2]
    );
    assert!(!format!("{all:?}").contains("c2hvcnQ="));
}

#[test]
fn pages_and_routes_that_would_share_an_address_stop_the_start() {
    let at_root = ("KEYWARD__SERVER__BASE_PATH", "");
    let refused = problems(&environment(&[at_root]));
    let keys: Vec<&str> = refused.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["pages.path"]);
    for fixed in [
        ("KEYWARD__PAGES__PATH", "/ui"),
        ("KEYWARD__PAGES__ENABLED", "false"),
    ] {
        load(&[at_root, fixed]);
    }
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
        ("audit.retention", "0s"),
        ("audit.record_refreshes", "perhaps"),
        ("limits.per_user", "0/1m"),
        ("limits.service", "-1/1m"),
        ("limits.sign_in_per_address", "abc"),
        ("limits.max_keys", "0"),
        ("mail.timeout", "1d"),
        ("mail.smtp_port", "70000"),
        ("roles.support", "everything"),
        ("redis.url", "http://cache"),
        ("database.url", "mysql://db"),
        ("database.url", "postgres://kw:p%zz@db/kw"),
        ("database.url", "postgres://db:99999/kw"),
        ("database.url", "postgres://db/kw?sslmode=verfy-full"),
        ("database.url", "sqlite::memory:"),
        ("log.level", "inof"),
    ];
    for (key, value) in refused {
        let refused = problem(&[(&environment_name(key), value)]);
        assert_eq!(refused.key, key, "{refused}");
    }
}

#[test]
fn what_a_server_needs_is_named_together_with_wrong_values_and_only_for_a_server() {
    let settings = [
        ("DATABASE_URL", "postgres://db/kw"),
        ("KEYWARD_MASTER_KEY_FILE", "/nope/key"),
        ("KEYWARD__PAGES__LOGO", "/nope/logo.svg"),
        ("KEYWARD__MAIL__TEMPLATES", "/nope/templates"),
        ("KEYWARD__TOKENS__ACCESS_TTL", "soon"),
    ];
    let keys = |problems: Vec<ConfigProblem>| -> Vec<String> {
        problems.into_iter().map(|problem| problem.key).collect()
    };
    let sources = environment(&settings);
    assert_eq!(keys(problems(&sources)), ["tokens.access_ttl"]);
    let all = Config::load_to_serve(&sources).err().unwrap().0;
    let master_key = all.last().unwrap().to_string();
    assert!(
        master_key.starts_with("data.master_key_file (environment KEYWARD_MASTER_KEY_FILE): "),
        "{master_key}"
    );
    let expected = [
        "tokens.access_ttl",
        "pages.logo",
        "mail.templates",
        "data.master_key_file",
    ];
    assert_eq!(keys(all), expected);
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

#[test]
fn an_unknown_key_hides_no_wrong_value_beside_it() {
    let (_file, mut sources) =
        file("[databse]\nurl = \"x\"\n[server]\nbody_timeout = \"soon\"\nbase_path = \"auth/\"\n");
    let beside = environment(&[
        ("KEYWARD__SERVER__BINDD", "1"),
        ("KEYWARD__TOKENS__ACCESS_TTL", "soon"),
        ("KEYWARD__LIMITS__PER_USER", "abc"),
        ("KEYWARD__SERVER__PUBLIC_URL", "auth.example.com/"),
        ("KEYWARD_SERVER_BIND", "127.0.0.1:1"),
        ("DATABASE_URL_FILE", "/nowhere"),
    ]);
    sources.environment = beside.environment;
    let mut keys: Vec<String> = problems(&sources)
        .into_iter()
        .map(|problem| problem.key)
        .collect();
    keys.sort();
    let expected = [
        "KEYWARD_SERVER_BIND",
        "database.url",
        "databse.url",
        "limits.per_user",
        "server.base_path",
        "server.bindd",
        "server.body_timeout",
        "server.public_url",
        "tokens.access_ttl",
    ];
    assert_eq!(keys, expected);
    let (_broken, mut sources) = file("[server\n");
    sources.environment = environment(&[("KEYWARD__SERVER__WORKERS", "many")]).environment;
    assert_eq!(problems(&sources).len(), 2);
}

#[test]
fn a_variable_that_is_almost_one_of_keywards_stops_the_start_with_the_nearest_name() {
    let cases = [
        ("KEYWARD_REGISTRATION__OPEN", "KEYWARD__REGISTRATION__OPEN"),
        ("KEYWARD_REGISTRATION_OPEN", "KEYWARD__REGISTRATION__OPEN"),
        ("KEYWARD_SERVER_BIND", "KEYWARD__SERVER__BIND"),
        ("keyward__server__bind", "KEYWARD__SERVER__BIND"),
        ("Keyward_Server_Bind", "KEYWARD__SERVER__BIND"),
        ("KEYWARD___SERVER__BIND", "KEYWARD__SERVER__BIND"),
        ("KEYWARD_PUBLIC_URL", "KEYWARD__SERVER__PUBLIC_URL"),
        ("KEYWARD_SERVICE_NAME", "KEYWARD__SERVICE__NAME"),
        ("KEYWARD_MASTERKEY", "KEYWARD_MASTER_KEY"),
        ("KEYWARD_MASTER_KEY_FIL", "KEYWARD_MASTER_KEY_FILE"),
        ("keyward_master_key", "KEYWARD_MASTER_KEY"),
        ("KEYWARD_DATABASE_URL_FILE", "KEYWARD__DATABASE__URL_FILE"),
        ("KEYWARD_TEST_POSTGRES", ""),
        ("KEYWARD_SERVER_PORT", ""),
    ];
    for (name, nearest) in cases {
        for value in ["hunter2", ""] {
            let refused = problem(&[(name, value)]);
            let key = refused.key.strip_prefix('_').unwrap_or(&refused.key);
            assert!(key == name || key.starts_with("server"), "{refused}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
            assert!(refused.fix.contains(nearest), "{refused}");
        }
    }
    // Only what begins like one of Keyward's is looked at.
    load(&[
        ("KEYWARD", "1"),
        ("KEYWARDEN_URL", "1"),
        ("XKEYWARD__SERVER__BIND", "1"),
    ]);
}

#[test]
fn what_kubernetes_makes_for_a_service_of_that_name_is_noted_and_stops_nothing() {
    let made = [
        ("KEYWARD_SERVICE_HOST", "10.0.0.1"),
        ("KEYWARD_SERVICE_PORT", "8080"),
        ("KEYWARD_SERVICE_PORT_HTTP", "8080"),
        ("KEYWARD_PORT", "tcp://10.0.0.1:8080"),
        ("KEYWARD_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("KEYWARD_PORT_8080_TCP_PROTO", "tcp"),
        ("KEYWARD_PORT_8080_TCP_PORT", "8080"),
        ("KEYWARD_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("KEYWARD_ADMIN_SERVICE_HOST", "10.0.0.2"),
        ("KEYWARD_ADMIN_PORT_9100_TCP_ADDR", "10.0.0.2"),
    ];
    let config = load(&made);
    assert_eq!(config.notices.len(), 1, "{:?}", config.notices);
    for (name, _) in made {
        assert!(config.notices[0].contains(name), "{name}");
    }
    for (name, value) in [
        ("KEYWARD_PORT", "8080"),
        ("keyward_service_host", "x"),
        ("KEYWARD_PORT_X_TCP", "x"),
    ] {
        assert_eq!(problem(&[(name, value)]).key, name);
    }
}

#[test]
fn a_secret_that_is_given_twice_or_from_an_empty_file_stops_the_start() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let path = empty.path().display().to_string();
    for (key, name, value) in [
        ("database.url", "DATABASE_URL", "postgres://kw:hunter2@db/kw"),
        ("redis.url", "KEYWARD__REDIS__URL", "redis://:hunter2@cache"),
        ("data.master_key_file", "KEYWARD_MASTER_KEY", MASTER_KEY_TEXT),
    ] {
        let by_file = format!("{name}_FILE");
        let refused = problem(&[(name, value), (&by_file, &path)]);
        let twice = format!("{key} (environment {name} and {by_file}): is set twice");
        assert!(refused.to_string().starts_with(&twice), "{refused}");
        assert!(!refused.to_string().contains("hunter2"));
    }
    assert!(problem(&[("DATABASE_URL_FILE", &path)]).what.contains("empty"));
    let twice = problem(&[
        ("KEYWARD__SERVER__DOCS", "true"),
        ("KEYWARD__server__docs", "false"),
    ]);
    assert_eq!(
        (twice.key.as_str(), twice.what.as_str()),
        ("server.docs", "is set twice")
    );
}

/// 32 bytes.
const MASTER_KEY_TEXT: &str = "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ=";

#[test]
fn a_variable_that_is_no_text_is_named() {
    let sources = Sources {
        unreadable: ["PATH", "KEYWARD__SERVER__BIND", "DATABASE_URL", "JWT_SECRET_FILE"]
            .map(str::to_owned)
            .into(),
        ..Sources::default()
    };
    let keys: Vec<String> = problems(&sources)
        .into_iter()
        .map(|problem| problem.key)
        .collect();
    assert_eq!(keys, ["KEYWARD__SERVER__BIND", "DATABASE_URL", "JWT_SECRET_FILE"]);
}

#[test]
fn a_wrong_entry_of_a_list_is_named_without_what_may_be_secret() {
    let refused = problem(&[("KEYWARD__SERVER__TRUSTED_PROXIES", "10.0.0.1,proxy,10.0.0.0/33")]);
    assert!(
        refused
            .what
            .contains("\"proxy\", \"10.0.0.0/33\" are neither an IP address"),
        "{refused}"
    );
    let refused = problem(&[("KEYWARD__ROLES__SUPPORT", "users:read,users:raed")]);
    assert!(refused.what.contains("users:raed"), "{refused}");
    for key in [
        "server.cors_origins",
        "pages.return_to",
        "server.bind",
        "server.trusted_proxies",
    ] {
        let refused = problem(&[(&environment_name(key), "https://kw:hunter2@app.example.com")]);
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
}
