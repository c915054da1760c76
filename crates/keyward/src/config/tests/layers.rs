use super::*;

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
        ("KEYWARD__PAGES__PATH", "/ui"),
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
fn an_empty_text_in_a_file_means_not_set_so_that_the_file_of_defaults_may_be_copied_whole() {
    let (_file, sources) = file(document::DEFAULT_TOML);
    let copied = Config::load(&sources).unwrap_or_else(|errors| panic!("{errors}"));
    let values = |config: &Config| -> Vec<_> {
        let shown = config.shown().into_iter();
        shown.map(|shown| (shown.key, shown.value)).collect()
    };
    assert_eq!(values(&copied), values(&load(&[])));
    let emptied = load(&[
        ("KEYWARD__SERVER__ADMIN_BIND", ""),
        ("KEYWARD__DATABASE__AUTO_MIGRATE", ""),
        ("KEYWARD__LOG__FORMAT", ""),
    ]);
    assert_eq!(values(&emptied), values(&load(&[])));
}
