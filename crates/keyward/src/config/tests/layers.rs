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
fn a_text_of_the_environment_is_parsed_as_the_type_of_the_key() {
    let config = load(&[
        ("KEYWARD__SERVER__TRUSTED_PROXIES", "10.0.0.1, fd00::/8"),
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
        (config.server.base_path.as_str(), config.service.argon2.memory_kib),
        ("", 64)
    );
    assert!(!config.is_embedded());
}

#[test]
fn an_empty_variable_of_another_program_counts_as_not_set() {
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

#[test]
fn an_empty_variable_means_not_set_for_every_key_and_leaves_the_file_in_force() {
    let keys: Vec<String> = Document::defaults()
        .unwrap()
        .iter()
        .map(|(key, _)| document::environment_name(key))
        // For this key the empty text is a value: the root.
        .filter(|name| name != "KEYWARD__SERVER__BASE_PATH")
        .collect();
    let emptied: Vec<(&str, &str)> = keys.iter().map(|name| (name.as_str(), "")).collect();
    let values = |config: &Config| -> Vec<_> {
        let shown = config.shown().into_iter();
        shown
            .map(|shown| (shown.key, shown.value, shown.origin))
            .collect()
    };
    assert_eq!(values(&load(&emptied)), values(&load(&[])));

    let (_file, mut sources) =
        file("[log]\nlevel = \"\"\n[mail]\nsmtp_port = 25\n[limits]\nenabled = false\n[roles]\nclerk = []\n");
    let emptied = [
        "KEYWARD__MAIL__SMTP_PORT",
        "KEYWARD__LIMITS__ENABLED",
        "KEYWARD__ROLES__CLERK",
        "KEYWARD__ROLES__NEW",
    ];
    for name in emptied {
        sources.environment.insert(name.to_owned(), String::new());
    }
    sources.options.push(("--bind", "server.bind", String::new()));
    let config = Config::load(&sources).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((config.mail.smtp_port, config.limits.enabled), (25, false));
    assert_eq!(config.origin("log.level"), Origin::Default);
    assert_eq!(config.origin("server.bind"), Origin::Default);
    assert!(config.shown().iter().all(|shown| shown.key != "roles.new"));
}

#[test]
fn every_secret_is_taken_from_the_file_that_its_variable_with_file_names() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let database = written("database", "postgres://kw:hunter2@db/kw\n");
    let redis = written("redis", "redis://:hunter2@cache/0\r\n");
    let secret = written("secret", "  a shared secret with blanks, long enough  \n\n");
    let password = written("password", "hunter2");
    for (url, redis_url, jwt) in [
        ("DATABASE_URL_FILE", "REDIS_URL_FILE", "JWT_SECRET_FILE"),
        (
            "KEYWARD__DATABASE__URL_FILE",
            "KEYWARD__REDIS__URL_FILE",
            "KEYWARD__TOKENS__SECRET_FILE",
        ),
    ] {
        let config = load(&[
            (url, &database),
            (redis_url, &redis),
            (jwt, &secret),
            ("KEYWARD__TOKENS__ALGORITHM", "HS256"),
            ("KEYWARD__MAIL__SMTP_USERNAME", "kw"),
            ("KEYWARD__MAIL__SMTP_PASSWORD_FILE", &password),
            ("KEYWARD_MASTER_KEY_FILE", &password),
        ]);
        assert_eq!(config.database.url.expose_secret(), "postgres://kw:hunter2@db/kw");
        assert_eq!(
            config.redis.url.as_ref().unwrap().expose_secret(),
            "redis://:hunter2@cache/0"
        );
        let taken = config.service.tokens.secret.expose_secret();
        assert_eq!(
            taken, "  a shared secret with blanks, long enough  \n",
            "one line feed is not part of it"
        );
        assert_eq!(
            config.mail.smtp_password.as_ref().unwrap().expose_secret(),
            "hunter2"
        );
        assert_eq!(
            config.data.master_key_file.as_deref(),
            Some(std::path::Path::new(&password))
        );
        assert_eq!(config.origin("database.url"), Origin::Environment(url.to_owned()));
        assert!(!as_toml(&config.shown()).contains("hunter2"));
    }
    // Every masked key can be set this way.
    let document = Document::defaults().unwrap();
    for key in document
        .iter()
        .map(|(key, _)| key)
        .filter(|key| mask::is_secret(key))
    {
        let name = document::environment_name(key) + "_FILE";
        let missing = problem(&[(&name, "/nowhere/hunter2")]);
        assert_eq!(missing.key, key);
        assert_eq!(missing.origin, Some(Origin::Environment(name)));
        assert!(
            missing.what.contains("can't be read") && !missing.to_string().contains("hunter2"),
            "{missing}"
        );
    }
    let unset = load(&[("DATABASE_URL_FILE", ""), ("KEYWARD__REDIS__URL_FILE", "")]);
    assert!(unset.is_embedded() && unset.redis.url.is_none());
    let newer = load(&[
        ("DATABASE_URL_FILE", &database),
        ("KEYWARD__DATABASE__URL", "postgres://other/kw"),
    ]);
    assert_eq!(newer.database.url.expose_secret(), "postgres://other/kw");
}

#[test]
fn the_public_url_follows_the_address_that_is_listened_on_unless_it_is_set() {
    let url = |variables: &[(&str, &str)]| load(variables).server.public_url;
    let bind = |address| url(&[("KEYWARD__SERVER__BIND", address)]);
    assert_eq!(url(&[]), "http://127.0.0.1:8080");
    assert_eq!(bind("127.0.0.1:18081"), "http://127.0.0.1:18081");
    assert_eq!(bind("[::1]:18081"), "http://[::1]:18081");
    assert_eq!(bind("0.0.0.0:9090"), "http://127.0.0.1:9090");
    assert_eq!(
        load(&[]).origin("server.public_url").to_string(),
        "from server.bind"
    );

    let picked = |variables: &[(&str, &str)]| {
        let config = load(variables)
            .listening_on("[::1]:40123".parse().unwrap())
            .unwrap();
        (
            config.server.public_url,
            config.service.issuer,
            config.service.link_base,
        )
    };
    let own = "http://[::1]:40123".to_owned();
    assert_eq!(
        picked(&[
            ("KEYWARD__SERVER__BIND", "[::1]:0"),
            ("KEYWARD__PAGES__PATH", "/ui")
        ]),
        (own.clone(), own.clone(), format!("{own}/ui"))
    );
    let base = "https://app.example.com/accounts";
    assert_eq!(picked(&[("KEYWARD__MAIL__LINK_BASE", base)]).2, base);
    let public = "https://auth.example.com".to_owned();
    assert_eq!(
        picked(&[("KEYWARD__SERVER__PUBLIC_URL", &public)]),
        (public.clone(), public.clone(), public)
    );
}

#[test]
fn a_server_that_others_can_reach_gets_a_warning_without_a_public_url() {
    let noted = |variables: &[(&str, &str)]| {
        let notices = load(variables).notices;
        notices
            .iter()
            .any(|notice| notice.starts_with("server.public_url is not set"))
    };
    assert!(noted(&[("KEYWARD__SERVER__BIND", "0.0.0.0:8080")]));
    assert!(!noted(&[]) && !noted(&[("KEYWARD__SERVER__BIND", "[::1]:0")]));
    assert!(!noted(&[
        ("KEYWARD__SERVER__BIND", "0.0.0.0:8080"),
        ("KEYWARD__SERVER__PUBLIC_URL", "https://auth.example.com"),
    ]));
}
