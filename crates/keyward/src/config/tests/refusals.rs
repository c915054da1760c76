use super::*;
use crate::config::document::environment_name;

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
fn pages_and_routes_that_would_share_an_address_stop_the_start() {
    let at_root = ("KEYWARD__SERVER__BASE_PATH", "");
    let refused = problems(&environment(&[at_root]));
    let keys: Vec<&str> = refused.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["pages.path"]);
    for mended in [
        ("KEYWARD__PAGES__PATH", "/ui"),
        ("KEYWARD__PAGES__ENABLED", "false"),
    ] {
        load(&[at_root, mended]);
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
    ];
    for (key, value) in refused {
        let told = problem(&[(&environment_name(key), value)]);
        assert_eq!(told.key, key, "{told}");
    }
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
