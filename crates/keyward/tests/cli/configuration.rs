//! `config`, and how every command ends with an invalid configuration.

use crate::harness::{MASTER_KEY, Place};
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn an_unknown_key_ends_with_2_and_the_nearest_name() {
    let place = Place::new()
        .with("KEYWARD__TOKENS__ACESS_TTL", "1h")
        .with("KEYWARD__SESSION__MAX_PER_USER", "0");
    for command in [&["serve"][..], &["config", "check"], &["user", "list"]] {
        let output = place.run(command).refused(2);
        assert!(output.contains("did you mean tokens.access_ttl"), "{output}");
    }
    assert!(!place.data().exists());
}

#[test]
fn all_wrong_values_are_reported_together() {
    let place = Place::new()
        .with("KEYWARD__SESSION__MAX_PER_USER", "0")
        .with("KEYWARD__TOKENS__LEEWAY", "1d");
    let output = place.run(&["config", "check"]).refused(2);
    assert!(
        output.contains("2 problems")
            && output.contains("session.max_per_user")
            && output.contains("tokens.leeway"),
        "{output}"
    );
}

#[test]
fn a_file_is_read_from_its_usual_place_or_from_the_named_one() {
    let place = Place::new();
    place.file("config/keyward.toml", "[service]\nname = \"Usual\"\n");
    assert!(place.run(&["config", "show"]).good().contains("name = \"Usual\""));
    let other = place.file("other.toml", "[service]\nname = \"Other\"\n");
    let shown = place.run(&["config", "show", "--config", &other]).good();
    assert!(
        shown.contains("name = \"Other\"") && shown.contains("other.toml line 2"),
        "{shown}"
    );
    let output = place
        .run(&["config", "check", "--config", "missing.toml"])
        .refused(2);
    assert!(output.contains("missing.toml: can't be read"), "{output}");
}

#[test]
fn what_is_in_force_is_shown_with_its_origin_and_without_secrets() {
    let secret = "a shared secret that is not shown to anyone";
    let place = Place::new()
        .with("KEYWARD__TOKENS__ALGORITHM", "HS256")
        .with("JWT_SECRET", secret)
        .with("DATABASE_URL", "postgres://kw:hunter2@db/kw")
        .with("KEYWARD_MASTER_KEY", MASTER_KEY);
    let text = place.run(&["config", "show"]).good();
    assert!(!text.contains(secret) && !text.contains("hunter2"), "{text}");
    assert!(text.contains("# environment JWT_SECRET") && text.contains("postgres://kw:********@db/kw"));
    let keys = place.run(&["config", "show", "--json"]).json();
    let of = |name: &str| {
        keys.as_array()
            .unwrap()
            .iter()
            .find(|key| key["key"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(of("tokens.secret")["value"], "********");
    assert_eq!(
        of("tokens.algorithm")["origin"],
        "environment KEYWARD__TOKENS__ALGORITHM"
    );
    assert_eq!(of("redis.url")["value"], serde_json::Value::Null);
    assert_eq!(
        place.run(&["config", "check"]).good(),
        "the configuration is valid\n"
    );
}

#[test]
fn own_roles_are_read_from_a_file_and_from_the_environment() {
    let place = Place::new();
    place.file(
        "config/keyward.toml",
        "[roles]\nsupport = [\"users:read\", \"sessions:revoke\"]\nowner = [\"users:write\"]\n",
    );
    place.user("sue@example.com", "support");
    let shown = place.run(&["config", "show"]).good();
    assert!(
        shown.contains("support = [\"users:read\", \"sessions:revoke\"]")
            && shown.contains("keyward.toml line 2"),
        "{shown}"
    );
    assert!(place.run(&["doctor"]).out.contains("warn  administrator"));
    place.user("olga@example.com", "owner");
    assert!(place.run(&["doctor"]).out.contains("ok    administrator"));
    // A user who holds users:write is an administrator, whatever the name of the role.
    assert!(
        place
            .run(&["user", "delete", "olga@example.com", "--yes"])
            .refused(1)
            .contains("last administrator")
    );
    let place = place.with("KEYWARD__ROLES__SUPPORT", "users:read,stats:read");
    let keys = place.run(&["config", "show", "--json"]).json();
    let support = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["key"] == "roles.support");
    assert_eq!(
        support.unwrap(),
        &serde_json::json!({
            "key": "roles.support", "value": ["users:read", "stats:read"], "origin": "environment KEYWARD__ROLES__SUPPORT",
        })
    );
    let listed = place.run(&["user", "list", "--role", "support"]).good();
    assert!(listed.contains("sue@example.com"), "{listed}");
}

#[test]
fn an_invalid_role_stops_the_start_and_is_named() {
    let place = Place::new();
    let cases = [
        ("admin = [\"users:read\"]", "roles.admin"),
        ("viewer = []", "roles.viewer"),
        ("support = [\"users:raed\"]", "roles.support"),
        ("support = [7]", "roles.support"),
        ("support = \"users:read\"", "roles.support"),
        ("Support = []", "roles.Support"),
        ("\"9lives\" = []", "roles.9lives"),
    ];
    for (line, key) in cases {
        place.file("config/keyward.toml", &format!("[roles]\n{line}\n"));
        let output = place.run(&["serve"]).refused(2);
        assert!(
            output.contains(key) && output.contains("keyward.toml line 2"),
            "{output}"
        );
    }
    place.file(
        "config/keyward.toml",
        "[roles]\nadmin = []\nsupport = [\"everything\"]\n",
    );
    let output = place.run(&["config", "check"]).refused(2);
    assert!(
        output.contains("2 problems") && output.contains("sessions:revoke"),
        "{output}"
    );
    let place = Place::new().with("KEYWARD__ROLES__SUPPORT", "users:read,everything");
    let output = place.run(&["serve"]).refused(2);
    assert!(
        output.contains("roles.support (environment KEYWARD__ROLES__SUPPORT)"),
        "{output}"
    );
    assert!(!place.data().exists());
}

#[test]
fn an_invalid_limit_stops_the_start_and_is_named() {
    let limits = [
        "sign_in_per_address",
        "register_per_address",
        "mail_per_address",
        "mail_per_recipient",
        "per_user",
        "service",
        "guesses_per_account",
        "guesses_per_device",
    ];
    let values = [
        "0/1m",
        "-1/1m",
        "abc",
        "10",
        "10/",
        "/1m",
        "1.5/1m",
        "10/0s",
        "10/-1m",
        "10/1y",
        "99999999999999999999/1m",
        "1/99999999999999999999d",
        "10/366d",
    ];
    for value in values {
        let mut place = Place::new();
        for limit in limits {
            place = place.with(&format!("KEYWARD__LIMITS__{}", limit.to_uppercase()), value);
        }
        let output = place.run(&["serve"]).refused(2);
        assert!(output.contains("8 problems"), "{value}: {output}");
        for limit in limits {
            assert!(
                output.contains(&format!("limits.{limit} (environment")),
                "{value}: {output}"
            );
        }
    }
    let others = [
        ("ENABLED", "perhaps", "limits.enabled"),
        ("TIMEOUT", "0s", "limits.timeout"),
        ("MAX_KEYS", "0", "limits.max_keys"),
        ("MAX_KEYS", "-1", "limits.max_keys"),
        ("REDIS_PREFIX", "a{b}", "limits.redis_prefix"),
        (
            "SIGN_IN_PER_ADRESS",
            "1/1m",
            "did you mean limits.sign_in_per_address",
        ),
    ];
    for (name, value, named) in others {
        let place = Place::new().with(&format!("KEYWARD__LIMITS__{name}"), value);
        let output = place.run(&["serve"]).refused(2);
        assert!(output.contains(named), "{output}");
    }
}

#[test]
fn mail_settings_that_can_not_send_stop_the_start_and_their_key_is_named() {
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[("TRANSPORT", "pigeon")], "mail.transport"),
        (&[("TRANSPORT", "smtp")], "mail.smtp_host"),
        (&[("SMTP_HOST", "smtp://mail.example.com")], "mail.smtp_host"),
        (&[("SMTP_PORT", "0")], "mail.smtp_port"),
        (&[("SMTP_EHLO_NAME", "c0ffee012345")], "mail.smtp_ehlo_name"),
        (&[("SMTP_USERNAME", "kw")], "mail.smtp_password"),
        (&[("SMTP_TLS", "perhaps")], "mail.smtp_tls"),
        (&[("FROM", "nobody")], "mail.from"),
        (&[("TIMEOUT", "0s")], "mail.timeout"),
        (&[("LANGUAGE", "../etc")], "mail.language"),
        (&[("LINK_BASE", "javascript:alert(1)")], "mail.link_base"),
        (&[("SMTP_HOSTT", "x")], "did you mean mail.smtp_host"),
    ];
    for (settings, named) in cases {
        let place = settings.iter().fold(Place::new(), |place, (name, value)| {
            place.with(&format!("KEYWARD__MAIL__{name}"), value)
        });
        let output = place.run(&["serve"]).refused(2);
        assert!(output.contains(named), "{output}");
        assert!(!place.data().exists());
    }
}

/// `serve`, `config check` and `doctor` refuse the same, and name every key.
fn refused_alike(settings: &[(&str, &str)], named: &[&str]) {
    let place = settings
        .iter()
        .fold(Place::new(), |place, (name, value)| place.with(name, value));
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, 1, "{settings:?}: {doctor:?}");
    let output = [
        place.run(&["serve", "--bind", "127.0.0.1:0"]).refused(2),
        place.run(&["config", "check"]).refused(2),
        doctor.out,
    ];
    for output in output {
        for key in named {
            assert!(output.contains(key), "{settings:?}, {key}: {output}");
        }
        assert!(!output.contains("hunter2"), "{output}");
    }
    assert!(!place.data().exists(), "{settings:?}");
}

#[test]
fn what_serve_refuses_before_it_connects_the_check_and_the_doctor_refuse_too() {
    let database = |url: &str, named: &[&str]| {
        let settings = [("DATABASE_URL", url), ("KEYWARD_MASTER_KEY", MASTER_KEY)];
        refused_alike(&settings, &[&["database.url"], named].concat());
    };
    refused_alike(
        &[("DATABASE_URL", "postgres://kw:hunter2@127.0.0.1:1/kw")],
        &["KEYWARD_MASTER_KEY", "openssl rand -base64 32"],
    );
    database("postgres://kw:hunter2%zz@127.0.0.1:1/kw", &["percent"]);
    database("postgres://kw:hunter2@127.0.0.1:99999/kw", &["port"]);
    database(
        "postgres://kw:hunter2@127.0.0.1:1/kw?sslmode=verfy-full",
        &["sslmode"],
    );
    database("postgres://kw@127.0.0.1:1/kw?passwordd=hunter2", &["passwordd"]);
    database("sqlite::memory:", &["memory"]);
    database("sqlite://no/such/keyward.db", &["no/such"]);
    refused_alike(
        &[
            ("KEYWARD_MASTER_KEY_FILE", "/nope/key"),
            ("KEYWARD__SERVER__ADMIN_BIND", "foo"),
        ],
        &["data.master_key_file", "/nope/key", "server.admin_bind"],
    );
    refused_alike(
        &[
            ("KEYWARD__PAGES__TEXTS", "/nope/texts.toml"),
            ("KEYWARD__PAGES__LOGO", "/nope/logo.svg"),
            ("KEYWARD__MAIL__TEMPLATES", "/nope/templates"),
            ("KEYWARD__MAIL__TRANSPORT", "smtp"),
            ("KEYWARD__MAIL__SMTP_HOST", "mail.example.com"),
            ("KEYWARD__MAIL__SMTP_CA_FILE", "/nope/ca.pem"),
        ],
        &[
            "pages.texts",
            "/nope/texts.toml",
            "pages.logo",
            "/nope/logo.svg",
            "mail.templates",
            "/nope/templates",
            "mail.smtp_ca_file",
            "/nope/ca.pem",
        ],
    );
    refused_alike(&[("KEYWARD__MAIL__FOLDER", "/dev/null/mail")], &["mail.folder"]);
    refused_alike(&[("KEYWARD__DATA__DIR", "/dev/null/data")], &["data.dir"]);
    refused_alike(&[("KEYWARD__MAIL__LANGUAGE", "fr")], &["mail.language"]);
}

#[test]
fn a_command_needs_none_of_the_servers_files() {
    let place = Place::new()
        .with("KEYWARD__PAGES__LOGO", "/nope/logo.svg")
        .with("KEYWARD__MAIL__TEMPLATES", "/nope/templates");
    place.run(&["migrate", "up"]).good();
    place.run(&["user", "list"]).good();
    place.run(&["config", "show"]).good();
}

#[test]
fn an_unknown_level_is_refused_with_the_nearest() {
    let cases = [
        ("inof", "did you mean info?"),
        ("warning", "did you mean warn?"),
        ("info,auth_service=debgu", "did you mean debug?"),
        ("auth_service", "auth_service=debug"),
        ("info,auth_service", "auth_service=debug"),
        ("info,[x]=debug", "auth_service=debug"),
        (",", "auth_service=debug"),
    ];
    for (level, meant) in cases {
        for name in ["KEYWARD__LOG__LEVEL", "RUST_LOG"] {
            let place = Place::new().with(name, level);
            let output = place.run(&["config", "check"]).refused(2);
            assert!(
                output.contains("log.level") && output.contains(meant),
                "{level}: {output}"
            );
        }
    }
    for level in [
        "off",
        "INFO",
        "info, auth_service::post=trace",
        "auth_service=off",
    ] {
        Place::new()
            .with("KEYWARD__LOG__LEVEL", level)
            .run(&["config", "check"])
            .good();
    }
}

#[test]
fn a_variable_one_letter_from_an_unprefixed_name_is_a_warning_and_stops_nothing() {
    let place = Place::new()
        .with("DATABSE_URL", "hunter2")
        .with("DATABASE_URl", "hunter2")
        .with("REDIS_URL_FILES", "hunter2")
        .with("JWT_SECRETS", "hunter2")
        .with("DATABASE_URI", "")
        .with("DATABASE_URLPOOL", "hunter2");
    let checked = place.run(&["config", "check"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    for (name, meant) in [
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_URl", "DATABASE_URL"),
        ("REDIS_URL_FILES", "REDIS_URL_FILE"),
        ("JWT_SECRETS", "JWT_SECRET"),
    ] {
        let note = format!("note: {name} is set and not read; if it is for Keyward, rename it to {meant}");
        assert!(checked.err.contains(&note), "{checked:?}");
    }
    assert_eq!(checked.err.lines().count(), 4, "{checked:?}");
    assert!(!checked.err.contains("hunter2"));
}

#[test]
fn the_password_of_the_mail_server_is_not_shown() {
    let place = Place::new()
        .with("KEYWARD__MAIL__TRANSPORT", "smtp")
        .with("KEYWARD__MAIL__SMTP_HOST", "mail.example.com")
        .with("KEYWARD__MAIL__SMTP_USERNAME", "kw")
        .with("KEYWARD__MAIL__SMTP_PASSWORD", "hunter2 hunter2");
    let shown = place.run(&["config", "show"]).good();
    assert!(
        shown.contains("smtp_password = \"********\"") && shown.contains("smtp_username = \"kw\""),
        "{shown}"
    );
    for command in [
        &["config", "show", "--json"][..],
        &["doctor"],
        &["doctor", "--json"],
    ] {
        let ended = place.run(command);
        assert!(
            !ended.out.contains("hunter2") && !ended.err.contains("hunter2"),
            "{ended:?}"
        );
    }
    let report = place.run(&["doctor"]).out;
    assert!(
        report.contains("ok    mail           goes through mail.example.com:587 as"),
        "{report}"
    );
}

#[test]
fn a_short_master_key_ends_with_2_and_is_not_shown() {
    let place = Place::new().with("KEYWARD_MASTER_KEY", "c2hvcnQgYnV0IHNlY3JldA==");
    let output = place.run(&["serve"]).refused(2);
    assert!(
        output.contains("KEYWARD_MASTER_KEY") && output.contains("openssl rand -base64 32"),
        "{output}"
    );
    assert!(!output.contains("c2hvcnQg"));
}

#[test]
fn a_database_url_of_an_unknown_kind_ends_with_2() {
    let place = Place::new().with("DATABASE_URL", "mysql://root:hunter2@db/kw");
    let output = place.run(&["serve"]).refused(2);
    assert!(
        output.contains("database.url (environment DATABASE_URL)") && !output.contains("hunter2"),
        "{output}"
    );
}

#[test]
fn a_variable_that_is_almost_right_stops_every_command_and_changes_nothing() {
    let place = Place::new()
        .with("KEYWARD_REGISTRATION__OPEN", "false")
        .with("KEYWARD__SERVER__BINDD", "1")
        .with("KEYWARD__TOKENS__ACCESS_TTL", "soon")
        .with("KEYWARD__SERVER__PUBLIC_URL", "auth.example.com");
    for command in [
        &["serve"][..],
        &["config", "check"],
        &["config", "show"],
        &["user", "list"],
    ] {
        let output = place.run(command).refused(2);
        assert!(output.contains("4 problems"), "{output}");
        assert!(
            output.contains("did you mean KEYWARD__REGISTRATION__OPEN?"),
            "{output}"
        );
    }
    let report = place.run(&["doctor"]);
    assert_eq!(
        (report.code, report.out.matches("fail  configuration").count()),
        (1, 4),
        "{report:?}"
    );
    assert!(report.out.contains("did you mean KEYWARD__REGISTRATION__OPEN?"));
    assert!(!place.data().exists());
}

#[test]
fn the_variables_of_kubernetes_are_only_a_warning() {
    let place = Place::new()
        .with("KEYWARD_PORT", "tcp://10.0.0.1:8080")
        .with("KEYWARD_SERVICE_HOST", "10.0.0.1");
    let checked = place.run(&["config", "check"]);
    assert!(
        checked.err.contains("KEYWARD_PORT, KEYWARD_SERVICE_HOST"),
        "{checked:?}"
    );
    checked.good();
    assert!(place.run(&["doctor"]).good().contains("KEYWARD_PORT"));
    drop(place.serve(&[]));
}

#[test]
fn the_database_and_the_master_key_are_taken_from_files() {
    let place = Place::new();
    let database = place.file("secrets/database", "sqlite://kept/users.db\n");
    let key = place.file("secrets/key", &format!("{MASTER_KEY}\n"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    fs::create_dir(place.path("kept")).unwrap();
    let place = place
        .with("DATABASE_URL_FILE", &database)
        .with("KEYWARD_MASTER_KEY_FILE", &key);
    let shown = place.run(&["config", "show"]).good();
    assert!(
        shown.contains("sqlite://kept/users.db") && shown.contains("# environment DATABASE_URL_FILE"),
        "{shown}"
    );
    drop(place.serve(&[]));
    assert!(place.path("kept/users.db").exists() && !place.path("data/keyward.db").exists());
    assert!(!place.path("data/master.key").exists());

    fs::set_permissions(&key, fs::Permissions::from_mode(0o444)).unwrap();
    for command in [&["serve"][..], &["config", "check"]] {
        let output = place.run(command).refused(2);
        assert!(
            output.contains("mode 0444") && output.contains("0600 and 0400 are accepted"),
            "{output}"
        );
    }
    let twice = place.with("KEYWARD_MASTER_KEY", MASTER_KEY);
    let output = twice.run(&["serve"]).refused(2);
    assert!(
        output.contains("environment KEYWARD_MASTER_KEY and KEYWARD_MASTER_KEY_FILE): is set twice"),
        "{output}"
    );
    let missing = Place::new().with("KEYWARD_MASTER_KEY_FILE", "no/such/key");
    assert!(
        missing
            .run(&["config", "check"])
            .refused(2)
            .contains("no/such/key")
    );
    let missing = Place::new().with("DATABASE_URL_FILE", "no/such/url");
    assert!(
        missing
            .run(&["serve"])
            .refused(2)
            .contains("database.url (environment DATABASE_URL_FILE): its file can't be read")
    );
    assert!(!missing.data().exists());
}

#[test]
fn no_part_of_a_password_in_an_address_is_printed() {
    let addresses = [
        "postgres://kw:hunter1@hunter2@127.0.0.1:1/kw",
        "postgres://kw:a,hunter2@127.0.0.1:1/kw",
        "postgres://kw:hunter1/hunter2@127.0.0.1:1/kw",
        "postgres://kw:a?hunter2@127.0.0.1:1/kw",
        "postgres://kw:hunter1#hunter2@127.0.0.1:1/kw",
        "postgres://127.0.0.1:1/kw?user=kw&password=hunter2&sslpassword=hunter1",
        "host=127.0.0.1 port=1 user=kw password='hunter1 hunter2'",
        "sqlite://data/keyward.db?key=hunter2",
    ];
    let redis = [
        "redis://:hunter1@hunter2@127.0.0.1:1/0",
        "rediss://:a/hunter2@127.0.0.1:1/0",
        "redis://kw:1?hunter2=x@127.0.0.1:1/0",
        "redis://127.0.0.1:1/hunter2",
        "redis://127.0.0.1:1?sentinel=main&sentinel_password=hunter2",
    ];
    let places = addresses
        .map(|url| Place::new().with("DATABASE_URL", url))
        .into_iter()
        .chain(redis.map(|url| {
            Place::new()
                .with("DATABASE_URL", "postgres://kw@127.0.0.1:1/kw")
                .with("REDIS_URL", url)
        }));
    for place in places {
        let place = place.with("KEYWARD_MASTER_KEY", MASTER_KEY);
        for command in [
            &["serve"][..],
            &["doctor"],
            &["config", "show"],
            &["config", "check"],
            &["user", "list"],
        ] {
            let ended = place.run(command);
            assert!(
                !ended.out.contains("hunter") && !ended.err.contains("hunter"),
                "{command:?}: {ended:?}"
            );
        }
    }
    let place = Place::new()
        .with("DATABASE_URL", addresses[0])
        .with("KEYWARD_MASTER_KEY", MASTER_KEY);
    let output = place.run(&["serve"]).refused(1);
    assert!(
        output.contains("no PostgreSQL server answers there"),
        "the host is what stands behind the last @: {output}"
    );
    assert!(
        place
            .run(&["doctor"])
            .out
            .contains("postgres://kw:********@127.0.0.1:1/kw")
    );
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let place = Place::new();
    place.run(&["--help"]).good();
    place.run(&["user", "import", "--help"]).good();
    for wrong in [
        &["sreve"][..],
        &["user", "create"],
        &["serve", "--port", "1"],
        &["session", "end"],
        &[],
    ] {
        place.run(wrong).refused(2);
    }
}

#[test]
fn the_version_the_completions_and_the_api_are_printed() {
    let place = Place::new();
    let version = place.run(&["version", "--json"]).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        place.run(&["version"]).good(),
        format!("keyward {}\n", env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            place.run(&["completions", shell]).good().contains("set-password"),
            "{shell}"
        );
    }
    let api = place.run(&["openapi"]).json();
    assert!(api["paths"]["/api/v1/auth/login"]["post"].is_object());
    assert!(!place.data().exists());
}
